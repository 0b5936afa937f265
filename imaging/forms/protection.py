"""The form of the protection page."""

from django import forms


class AcknowledgementForm(forms.Form):
    """When an upload counts as done."""

    regions = forms.TypedChoiceField(
        label="An upload is done when it is sealed in", coerce=int, widget=forms.RadioSelect,
        choices=[("1", "one region"), ("2", "both regions")],
    )  # fmt: skip
