"""Which frames of a series are shown to somebody who scrubs through it: a dozen at most, however long it is."""

from audit.actions import Action
from audit.actor import Actor
from audit.services import record_viewing
from imaging import access
from imaging.selectors.pictures import list_frame_counts

MOST_POSITIONS = 12


def list_positions(actor: Actor, study_instance_uid: str, series_instance_uid: str) -> list[tuple[str, int]]:
    """SOP Instance UIDs and frame numbers that lie evenly through the series, in its order.

    The pictures themselves are asked for one by one, each by its own way through access.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    """
    series = access.series_to_view(actor, study_instance_uid, series_instance_uid)
    counts = list_frame_counts(series)
    chosen = sample(sum(count for _, count in counts))
    record_viewing(
        Action.THUMBNAIL_VIEWED, actor, study_instance_uid=study_instance_uid, series_instance_uid=series_instance_uid
    )
    return [_locate(counts, place) for place in chosen]


def sample(total: int) -> list[int]:
    """Places from 0, as many as there are or `MOST_POSITIONS`, the first and the last among them."""
    if total <= MOST_POSITIONS:
        return list(range(total))
    return [round(place * (total - 1) / (MOST_POSITIONS - 1)) for place in range(MOST_POSITIONS)]


def _locate(counts: list[tuple[str, int]], place: int) -> tuple[str, int]:
    for uid, count in counts:
        if place < count:
            return uid, place + 1
        place -= count
    raise AssertionError("behind the last frame")
