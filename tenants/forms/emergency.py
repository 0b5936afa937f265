"""The form of the emergency sign-in."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.forms.sign_in import CodeForm, SignInForm
from tenants.services.emergency import Reason

# What an identifier, a birth date, a DICOM name or an address would have.
_IDENTIFYING = re.compile(r"\d{4}|\d[./-]\d|[\^@]")


class EmergencyForm(SignInForm):
    """Both factors at once, and why. Nothing is tried before the reason is given."""

    code = forms.RegexField(
        CodeForm.base_fields["code"].regex,
        label=_("Code from your authenticator, or a recovery code"),
        error_messages={"invalid": _("A code has six digits; a recovery code twelve letters and digits.")},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "off"}),
    )
    reason = forms.ChoiceField(
        label=_("Why do you need emergency access?"), choices=Reason.choices, widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason. It is recorded, and your practice reviews it.")},
    )  # fmt: skip
    note = forms.CharField(
        label=_("If something else: what?"), required=False, max_length=100,
        help_text=_("A few words. No names, numbers or dates of patients: your practices' records keep this."),
    )  # fmt: skip
    _was_tried = False
    field_order = ["reason", "note", "email", "password", "code"]

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        # On a phone the keyboard would hide the reasons, which come first.
        del self.fields["email"].widget.attrs["autofocus"]

    @property
    def was_refused(self) -> bool:
        """Whether address and password were tried, and failed."""
        return self._was_tried and self.user is None

    def clean_reason(self) -> Reason:
        return Reason(self.cleaned_data["reason"])

    def clean_note(self) -> str:
        note = self.cleaned_data["note"]
        if _IDENTIFYING.search(note):
            raise ValidationError(_("Leave out names, numbers and dates of patients."))
        return note

    def clean(self) -> dict[str, object]:
        if self.cleaned_data.get("reason") == Reason.OTHER and not self.cleaned_data.get("note"):
            self.add_error("note", _("Say in a few words what the reason is."))
        if self.errors:
            return self.cleaned_data
        self._was_tried = True
        return super().clean()
