"""Forms of webhooks."""

from django import forms
from django.utils.translation import gettext_lazy as _

from imaging.models import Event


class WebhookForm(forms.Form):
    """Where a practice's own system listens, and of what it wants to be told."""

    url = forms.CharField(
        label=_("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://hooks.example.com/collimate", "autocomplete": "off"}),
        help_text=_("Begins with https://. It is called from here, so it must be reachable from the internet."),
    )
    events = forms.MultipleChoiceField(
        label=_("Tell it when"),
        choices=Event.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )
