"""Forms of share links and patients' invitations."""

from datetime import date

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imaging.services.guest_links import CODE_DIGITS
from imaging.services.sharing import DEFAULT_DAYS, MAX_DAYS

OLDEST_YEARS = 120


class ShareForm(forms.Form):
    """Whom a study is shared with, for how long, and whether they may take the files."""

    recipient_name = forms.CharField(label=_("Recipient's name"), max_length=200)
    recipient_email = forms.EmailField(
        label=_("Recipient's e-mail"), help_text=_("Check it twice: a wrong address is a breach.")
    )
    days = forms.IntegerField(label=_("Works for (days)"), min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS)
    may_download = forms.BooleanField(
        label=_("May download the original files"), required=False, help_text=_("Otherwise they can only look.")
    )
    note = forms.CharField(
        label=_("Note for your own records"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    send_mail = forms.BooleanField(
        label=_("Send the link by e-mail"),
        required=False,
        initial=True,
        help_text=_("The code is never in the e-mail."),
    )


class CodeField(forms.CharField):
    """Six digits told by another channel. Anything else cannot be the code, so it is an error and not a wrong try."""

    def __init__(self, label: str) -> None:
        attrs = {"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input input--code"}
        super().__init__(label=label, max_length=12, widget=forms.TextInput(attrs=attrs))

    def clean(self, value: str) -> str:
        code = "".join(character for character in super().clean(value) if character not in " -")
        if len(code) != CODE_DIGITS or not (code.isascii() and code.isdigit()):
            raise forms.ValidationError(_("The code has {count} digits.").format(count=CODE_DIGITS))
        return code


class BirthDateField(forms.DateField):
    """A date of birth, as month, day and year (no order of digits to mistake) or as one ISO date."""

    def __init__(self, label: str, **options: object) -> None:
        super().__init__(
            label=label, widget=forms.SelectDateWidget(empty_label=(_("Year"), _("Month"), _("Day"))), **options
        )

    def clean(self, value: object) -> date | None:
        born = super().clean(value)
        today = timezone.localdate()
        if born and (born > today or born.year < today.year - OLDEST_YEARS):
            raise forms.ValidationError(_("Check the year of birth."))
        return born


class CodeForm(forms.Form):
    """The code that the recipient was told by another channel."""

    code = CodeField(_("Code"))


class PatientForm(forms.Form):
    """Where the patient's link goes. The birth date is asked for only when the study holds none."""

    email = forms.EmailField(
        label=_("Patient's e-mail"), help_text=_("Read it back to the patient: a wrong address is a breach.")
    )
    birth_date = BirthDateField(_("Date of birth, as checked at the desk"), required=False)
    send_mail = forms.BooleanField(
        label=_("Send the link by e-mail"),
        required=False,
        initial=True,
        help_text=_("The code is never in the e-mail."),
    )


class ProofForm(forms.Form):
    """What only the patient knows: the birth date and the code from the desk."""

    birth_date = BirthDateField(_("Your date of birth"), error_messages={"required": _("Enter your date of birth.")})
    code = CodeField(_("Code from the desk"))
