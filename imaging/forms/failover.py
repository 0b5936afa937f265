"""Forms of the vendor's regions page."""

from django import forms
from django.utils.translation import gettext_lazy as _


class FailoverForm(forms.Form):
    """Why the portal should serve from the other region."""

    to_region = forms.TypedChoiceField(
        coerce=int, choices=[(1, _("Region 1")), (2, _("Region 2"))], label=_("Serve from"), widget=forms.RadioSelect
    )
    reason = forms.CharField(
        max_length=300,
        min_length=10,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What happened, in a sentence. Kept for good; names no patient."),
    )
