"""A study that a program asks to delete: the first of two yeses to its purge, and only when the rules allow.

Nothing is deleted here. What follows is retention's: an owner other than the one who asked approves, the grace period
passes, and `purge.py` judges everything anew.
"""

from datetime import date, datetime

from audit.actor import Actor
from imaging.access import study_to_change
from imaging.models import PurgeOrder, PurgeStatus
from imaging.services.retention import StudyHeld, request_purge, retention_end_of
from tenants.models import Tenant


class RetentionNotEnded(Exception):
    """The study must be kept until a day, which the text names."""

    def __init__(self, ends_on: date) -> None:
        super().__init__(
            f"Its retention ends on {ends_on.isoformat()}. From the night after, its purge can be asked for."
        )
        self.ends_on = ends_on


def ask_for_deletion(actor: Actor, tenant: Tenant, study_instance_uid: str, now: datetime) -> PurgeOrder:
    """The study's purge order, asked for now or before: an owner's or an uploader's.

    Raises
    ------
    StudyNotFound, StudyHeld
    RetentionNotEnded
        Also on the very day, until the nightly run has marked it.
    """
    study = study_to_change(actor, study_instance_uid)
    if study.held_at:
        raise StudyHeld
    order = PurgeOrder.objects.filter(study=study).first()
    if order is None:
        raise RetentionNotEnded(retention_end_of(study, tenant))
    if order.status == PurgeStatus.MARKED:
        request_purge(actor, study_instance_uid, now)
        order.refresh_from_db()
    return order
