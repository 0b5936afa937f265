"""Who did it: a frozen value that every service takes and every event keeps."""

from dataclasses import dataclass

from django.db import models


class ActorKind(models.TextChoices):
    """What stands behind an action."""

    USER = "user", "Staff"
    SHARE = "share", "Share link"
    PATIENT = "patient", "Patient"
    DEVICE = "device", "Device"
    SYSTEM = "system", "Collimate"
    ANONYMOUS = "anonymous", "Not signed in"


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


SYSTEM = Actor(ActorKind.SYSTEM, label="Collimate")
