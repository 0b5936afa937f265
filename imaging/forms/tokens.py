"""The form of the tokens page."""

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from imaging.models import AccessToken
from imaging.selectors.tokens import scopes_of
from imaging.services.tokens import MAX_DAYS
from tenants.models import Role

DEFAULT_DAYS = 90


class TokenForm(forms.Form):
    """A name to know it by, what it may do, and for how long."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Where it will be used, such as the gateway in room 2. Names no patient."),
    )
    scopes = forms.MultipleChoiceField(label=_("What it may do"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(
        label=_("Works for (days)"), min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS,
        help_text=format_lazy(
            _("{days} at most. It ends earlier when it is revoked or when you leave the practice."), days=MAX_DAYS
        ),
    )  # fmt: skip

    def __init__(self, *args: object, role: Role, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = [(scope.value, scope.label) for scope in scopes_of(role)]
        self.fields["scopes"].initial = [AccessToken.Scope.READ.value]
