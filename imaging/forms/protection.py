"""The form of the protection page."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AcknowledgementForm(forms.Form):
    """When an upload counts as done."""

    regions = forms.TypedChoiceField(
        label=_("An upload is done when it is sealed in"), coerce=int, widget=forms.RadioSelect,
        choices=[("1", _("one region")), ("2", _("both regions"))],
    )  # fmt: skip
