"""What the worklist shows of each study: read in one statement, because it is asked for with every keystroke."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from uuid import UUID
from zlib import crc32

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.backends.utils import CursorWrapper

from imaging.models import Priority, Series, Study, Triage
from imaging.selectors.names import display_name, initials
from imaging.selectors.states import IS_WAITING, StudyState, count_states, settled
from imaging.selectors.worklist_plan import UNREAD, Reader
from tenants.scoping import active_tenant_id

_STUDIES, _SERIES, _TRIAGE = (each._meta.db_table for each in (Study, Series, Triage))
_USERS = get_user_model()._meta.db_table
_THUMBNAIL = (
    f"coalesce((SELECT x.series_instance_uid FROM {_SERIES} x WHERE x.tenant_id = s.tenant_id AND x.study_id = s.id"
    " AND x.thumbnail IS NOT NULL ORDER BY x.series_number NULLS LAST LIMIT 1), '')"
)
_SHOWN = f"""
SELECT s.id, s.study_instance_uid, s.patient_name, s.patient_id, s.patient_birth_date, s.patient_sex, s.study_date,
    s.study_description, s.accession_number, s.referring_physician_name, s.received_at, s.modalities, s.series_count,
    s.instance_count, s.held_at IS NOT NULL AS held, {_THUMBNAIL} AS thumbnail, {IS_WAITING} AS waiting,
    coalesce(t.priority, '{Priority.ROUTINE}') AS priority, coalesce(u.name, '') AS assigned_to, {{unread}} AS unread
FROM {_STUDIES} s LEFT JOIN {_TRIAGE} t ON t.tenant_id = s.tenant_id AND t.study_id = s.id
    LEFT JOIN {_USERS} u ON u.id = t.assigned_to_id
WHERE s.tenant_id = %s AND s.id = ANY(%s)
"""


@dataclass(frozen=True)
class WorklistRow:
    """One study. `thumbnail` is the UID of a series that has one, or ''; `assigned_to` a name, or ''."""

    id: UUID
    study_instance_uid: str
    patient_name: str
    patient_initials: str
    patient_id: str
    patient_birth_date: date | None
    patient_sex: str
    study_date: date | None
    description: str
    accession_number: str
    referring_physician: str
    received_at: datetime
    modalities: tuple[str, ...]
    series_count: int
    instance_count: int
    thumbnail: str
    held: bool
    state: StudyState
    unread: bool = False
    priority: str = Priority.ROUTINE
    assigned_to: str = ""

    @cached_property
    def version(self) -> int:
        """Changes with anything of the row."""
        return crc32(repr(self).encode())


def list_rows(ids: Sequence[UUID], reader: Reader | None = None) -> tuple[WorklistRow, ...]:
    """The rows of studies of the active tenant, in the order of their ids; none of one that is gone."""
    if not ids:
        return ()
    tenant = active_tenant_id()
    for_reader = (tenant, reader.user_id, reader.joined_at) if reader else ()
    with connection.cursor() as cursor:
        cursor.execute(_SHOWN.format(unread=UNREAD if reader else "FALSE"), [*for_reader, tenant, list(ids)])
        known = {shown["id"]: shown for shown in _dictionaries(cursor)}
    states = count_states([each for each in ids if each in known and known[each]["waiting"]])
    return tuple(_row(known[each], states.get(each)) for each in ids if each in known)


def _dictionaries(cursor: CursorWrapper) -> list[dict[str, object]]:
    names = [column.name for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _row(shown: dict[str, object], state: StudyState | None) -> WorklistRow:
    name, referrer = display_name(shown["patient_name"]), shown["referring_physician_name"]
    return WorklistRow(
        id=shown["id"],
        study_instance_uid=shown["study_instance_uid"],
        patient_name=name,
        patient_initials=initials(name),
        patient_id=shown["patient_id"],
        patient_birth_date=shown["patient_birth_date"],
        patient_sex=shown["patient_sex"],
        study_date=shown["study_date"],
        description=shown["study_description"],
        accession_number=shown["accession_number"],
        referring_physician=display_name(referrer) if referrer else "",
        received_at=shown["received_at"],
        modalities=tuple(filter(None, shown["modalities"].split("\\"))),
        series_count=shown["series_count"],
        instance_count=shown["instance_count"],
        thumbnail=shown["thumbnail"],
        held=shown["held"],
        state=state or settled(shown["instance_count"]),
        unread=shown["unread"],
        priority=shown["priority"],
        assigned_to=shown["assigned_to"],
    )
