"""Who did it: a frozen value that every service takes and every event keeps."""

from dataclasses import dataclass

from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _


class ActorKind(models.TextChoices):
    """What stands behind an action."""

    USER = "user", _("Staff")
    SHARE = "share", _("Share link")
    PATIENT = "patient", _("Patient")
    DEVICE = "device", _("Device")
    SYSTEM = "system", "Collimate"
    ANONYMOUS = "anonymous", _("Not signed in")


@dataclass(frozen=True)
class Actor:
    """Someone or something that acts.

    `id` is a primary key as text and never reused; `label` is shown in the trail and holds no PHI: a staff
    member's or a recipient's address, never a patient's name.
    """

    kind: ActorKind
    id: str = ""
    label: str = ""
    address: str = ""
    user_agent: str = ""


def recorded_label(kind: ActorKind) -> str:
    """What the trail calls someone of that kind without a name: the same words whoever reads at the moment."""
    with translation.override("en"):
        return str(kind.label)


SYSTEM = Actor(ActorKind.SYSTEM, label="Collimate")
