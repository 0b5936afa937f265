"""Opening emergency access: both factors and a reason, in the trail before anything is shown."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device

from audit.actions import Action
from audit.actor import Actor
from tenants.models import User
from tenants.services.second_factor import verify_code
from tenants.services.sign_in import record_everywhere


class Reason(models.TextChoices):
    """Why someone breaks the glass. The stored value never changes."""

    IN_TREATMENT = "in-treatment", _("A patient is in treatment now")
    TRANSFER = "transfer", _("A patient is being transferred to a hospital")
    PRIMARY_AWAY = "primary-away", _("The usual portal cannot be reached")
    OTHER = "other", _("Something else")


def open_emergency(actor: Actor, user: User, code: str, reason: Reason, note: str, now: datetime) -> Device:
    """The device that the code proves, once every practice of the person has the reason in its trail.

    `note` says what `OTHER` means, and names no patient.

    Raises
    ------
    CodeRefused
    """
    device = verify_code(actor, user, code, now)
    details = {"reason": reason.value} | ({"note": note} if note else {})
    record_everywhere(Action.EMERGENCY_OPENED, actor, user, details=details, now=now)
    return device
