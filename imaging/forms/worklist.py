"""The worklist's search."""

from django import forms

from imaging.selectors.worklist import WorklistFilter, list_modalities


class WorklistForm(forms.Form):
    """Words, modality and days; posted, because a name in a URL ends up in logs and histories."""

    words = forms.CharField(
        label="Search", required=False, max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, ID, accession or description"}),
    )  # fmt: skip
    modality = forms.ChoiceField(label="Modality", required=False)
    date_from = forms.DateField(label="From", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    date_to = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["modality"].choices = [("", "All"), *((name, name) for name in list_modalities())]

    def filter(self) -> WorklistFilter:
        """What was asked for; only on a valid form."""
        return WorklistFilter(**self.cleaned_data)
