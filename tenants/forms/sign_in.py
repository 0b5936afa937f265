"""Forms of signing in and of one's own account."""

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import password_validators_help_text_html, validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.models import User

WRONG = _("That e-mail address and password do not go together.")


class SignInForm(forms.Form):
    """The first factor. Whoever passes is `form.user`; the answer is the same for an unknown address."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    next = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    @property
    def was_refused(self) -> bool:
        """Whether a well-formed attempt failed."""
        return self.is_bound and self.user is None and set(self.cleaned_data) >= {"email", "password"}

    def clean(self) -> dict[str, object]:
        email, password = self.cleaned_data.get("email"), self.cleaned_data.get("password")
        if email and password:
            # By `email`, not `username`: axes counts failures under the user model's own field name.
            self.user = authenticate(self.request, email=email.lower(), password=password)
            if self.user is None:
                raise ValidationError(WRONG)
        return self.cleaned_data


class CodeForm(forms.Form):
    """A code from the authenticator, or a recovery code."""

    code = forms.RegexField(
        r"^[0-9A-Za-z -]{6,20}$",
        label=_("Code"),
        error_messages={"invalid": _("A code has six digits; a recovery code twelve letters and digits.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false", "autocapitalize": "off"}
        ),
    )


class TotpForm(forms.Form):
    """Six digits that prove the authenticator has the key."""

    code = forms.RegexField(
        r"^[0-9]{3} ?[0-9]{3}$",
        label=_("The six digits it shows"),
        error_messages={"invalid": _("Enter the six digits that the app shows.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "input--code", "maxlength": 7}
        ),
    )

    def clean_code(self) -> str:
        return self.cleaned_data["code"].replace(" ", "")


class NewPasswordForm(forms.Form):
    """A new password, twice, judged by the validators."""

    password = forms.CharField(
        label=_("New password"),
        max_length=200,
        strip=False,
        help_text=password_validators_help_text_html,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    repeated = forms.CharField(
        label=_("The same again"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: User, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, object]:
        password, repeated = self.cleaned_data.get("password"), self.cleaned_data.get("repeated")
        if password and repeated and password != repeated:
            self.add_error("repeated", _("The two are not the same."))
        if password:
            self._judge(password)
        return self.cleaned_data

    def _judge(self, password: str) -> None:
        try:
            validate_password(password, self.user)
        except ValidationError as refusal:
            self.add_error("password", refusal)


class JoinForm(NewPasswordForm):
    """What an invited person without an account chooses."""

    name = forms.CharField(label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ["name", "password", "repeated"]


class CurrentPasswordForm(forms.Form):
    """The password again, before something that a borrowed session must not do. Wrong ones count for the lock-out."""

    current_password = forms.CharField(
        label=_("Your password now"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_current_password(self) -> str:
        password = self.cleaned_data["current_password"]
        if authenticate(self.request, email=self.request.user.email, password=password) is None:
            raise ValidationError(_("That is not your password."))
        return password


class ChangePasswordForm(CurrentPasswordForm, NewPasswordForm):
    """The password now, and the new one twice."""

    field_order = ["current_password", "password", "repeated"]

    def __init__(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        NewPasswordForm.__init__(self, request.user, *args, **kwargs)
        self.request = request


class ResetForm(forms.Form):
    """Whose password was forgotten."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
