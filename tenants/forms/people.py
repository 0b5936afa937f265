"""Forms of the practice's people."""

from django import forms
from django.utils.translation import gettext_lazy as _

from tenants.models import Role

ROLE_HINT = _("An owner runs the practice's account, an uploader takes in and shares, a viewer looks.")


class InvitationForm(forms.Form):
    """Whom to invite, as what."""

    name = forms.CharField(label=_("Name"), max_length=200)
    email = forms.EmailField(label=_("E-mail"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.VIEWER, help_text=ROLE_HINT)


class RoleForm(forms.Form):
    """The role a member gets."""

    role = forms.ChoiceField(choices=Role.choices)
