"""A visit by someone without an account: the study that their link or invitation opens, and on what terms."""

from dataclasses import dataclass
from datetime import datetime

from audit.actor import Actor, ActorKind
from imaging.access import StudyNotFound, find_live_invitation, find_live_link
from imaging.models import Study
from imaging.services.openings import open_study


@dataclass(frozen=True)
class Visit:
    """What a guest came to see, until when, and whether they may take the files away."""

    study: Study
    expires_at: datetime
    may_download: bool


def begin_visit(actor: Actor, study_instance_uid: str, now: datetime) -> Visit:
    """The visit of a redeemed share link or a verified patient; their look at the study is recorded.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    study = open_study(actor, study_instance_uid)
    opened = find_live_link(actor, now) or find_live_invitation(actor, now)
    if opened is None:
        raise StudyNotFound
    return Visit(study, opened.expires_at, actor.kind is ActorKind.PATIENT or opened.may_download)
