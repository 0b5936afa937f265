"""The second factor: a code from an authenticator app (RFC 6238), or a recovery code that works once.

Recovery codes are kept as HMAC-SHA-256 under the portal's key, cut to 80 bits: a stolen table opens nothing.
"""

import secrets
from base64 import b32encode
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.actions import Action, Outcome
from audit.actor import Actor
from tenants.models import User
from tenants.services.sign_in import record_everywhere

RECOVERY_CODES = 10
CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
TOTP_DIGITS = 6


class CodeRefused(Exception):
    """The code does not open. `reason` is for the person who typed it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyEnrolled(Exception):
    """The person has a second factor; replacing it takes a signed-in session."""


def has_second_factor(user: User) -> bool:
    """Whether an authenticator is enrolled."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def count_recovery_codes(user: User) -> int:
    """How many recovery codes are left."""
    return StaticToken.objects.filter(device__user=user).count()


def new_authenticator_key() -> str:
    """160 random bits as hex. Kept in the session until a code proves that the app has it, never in a table before."""
    return secrets.token_hex(20)


def provisioning_uri(user: User, key: str) -> str:
    """The `otpauth://` address that an authenticator app reads from the QR code."""
    return TOTPDevice(user=user, key=key).config_url


def enrol(
    actor: Actor, user: User, key: str, code: str, now: datetime, *, replace: bool = False
) -> tuple[Device, list[str]]:
    """Enrol the authenticator that shows `code`; returns its device and fresh recovery codes.

    Replacing drops the old devices, and with them every session that they had opened.

    Raises
    ------
    AlreadyEnrolled, CodeRefused
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if has_second_factor(user) and not replace:
            raise AlreadyEnrolled
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        device = TOTPDevice.objects.create(user=user, name="Authenticator", key=key, confirmed=True)
        if not device.verify_token(code):
            raise CodeRefused(_("That is not the code the app shows now. Check that the device's clock is right."))
        record_everywhere(Action.SECOND_FACTOR_ENROLLED, actor, user, now=now)
        codes = issue_recovery_codes(actor, user, now)
        if not replace:
            record_everywhere(Action.SIGNED_IN, actor, user, details={"factor": "totp"}, now=now)
    return device, codes


def issue_recovery_codes(actor: Actor, user: User, now: datetime) -> list[str]:
    """Ten fresh codes, to be shown once; the old ones stop working."""
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    with transaction.atomic():
        device, _made = StaticDevice.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})
        device.token_set.all().delete()
        StaticToken.objects.bulk_create([StaticToken(device=device, token=_digest(code)) for code in codes])
        record_everywhere(Action.RECOVERY_CODES_ISSUED, actor, user, details={"codes": len(codes)}, now=now)
    return codes


def verify_code(actor: Actor, user: User, code: str, now: datetime) -> Device:
    """The device that the code proves. A code works once; wrong ones make the next wait 1, 2, 4, … seconds.

    Raises
    ------
    CodeRefused
    """
    code = code.replace(" ", "").replace("-", "").lower()
    factor = "totp" if len(code) == TOTP_DIGITS and code.isdigit() else "recovery-code"
    with transaction.atomic():
        device = _lock_device(user, factor)
        refusal = _try_code(device, code if factor == "totp" else _digest(code))
        action, outcome = (Action.SIGN_IN_FAILED, Outcome.DENIED) if refusal else (Action.SIGNED_IN, Outcome.DONE)
        record_everywhere(action, actor, user, outcome=outcome, details={"factor": factor}, now=now)
    if refusal:
        # Outside the transaction: the failure that was counted must stay counted.
        raise CodeRefused(refusal)
    return device


def _lock_device(user: User, factor: str) -> TOTPDevice | StaticDevice | None:
    # One at a time: two requests with the same code must not both pass.
    model = TOTPDevice if factor == "totp" else StaticDevice
    return model.objects.select_for_update().filter(user=user, confirmed=True).first()


def _try_code(device: TOTPDevice | StaticDevice | None, token: str) -> str:
    if device is None:
        return _("That code is wrong or was used before.")
    allowed, why = device.verify_is_allowed()
    if not allowed:
        return _("Too many wrong codes. Try again after {time}.").format(
            time=date_format(timezone.localtime(why["locked_until"]), "H:i:s T")
        )
    return "" if device.verify_token(token) else _("That code is wrong or was used before.")


def _new_code() -> str:
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def _digest(code: str) -> str:
    code = code.replace("-", "")
    seal = salted_hmac("tenants.recovery-code", code, secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return b32encode(seal[:10]).decode()
