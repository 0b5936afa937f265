"""Forms of the retention page."""

from django import forms
from django.utils.translation import gettext_lazy as _


class PolicyForm(forms.Form):
    """How many years the practice keeps studies."""

    years = forms.IntegerField(
        label=_("Years after the study"), min_value=1, max_value=100,
        help_text=_("Counted from the study or its receipt, whichever is later. Your state's law sets the minimum."),
    )  # fmt: skip
    minor_years = forms.IntegerField(
        label=_("Minors: years after coming of age"), min_value=0, max_value=100,
        help_text=_("A patient under 18 at the study is kept at least until then. So is one whose age is unknown."),
    )  # fmt: skip
    grace_days = forms.IntegerField(
        label=_("Days between the end of retention and a purge"), min_value=1, max_value=365,
        help_text=_("Nothing is removed before this many days have passed and two people have said yes."),
    )  # fmt: skip


class HoldForm(forms.Form):
    """Why a study must be kept whatever its age."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
