"""Forms of the vendor's regions page."""

from django import forms


class FailoverForm(forms.Form):
    """Why the portal should serve from the other region."""

    to_region = forms.TypedChoiceField(
        coerce=int, choices=[(1, "Region 1"), (2, "Region 2")], label="Serve from", widget=forms.RadioSelect
    )
    reason = forms.CharField(
        max_length=300,
        min_length=10,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What happened, in a sentence. Kept for good; names no patient.",
    )
