"""All studies of one patient, on a time line. The same id with another name or birth date is told, not merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import F

from imaging.dicom.person_name import fold_groups
from imaging.models import Study
from imaging.selectors.names import display_name, initials
from imaging.selectors.worklist_plan import Reader
from imaging.selectors.worklist_rows import WorklistRow, list_rows

MOST_STUDIES = 200  # of one patient id; the latest are shown
_YEARS_AT_MOST = 12  # marks of years that still can be told apart
_LEFT, _RIGHT, _TOP, _LANE = 72, 984, 34, 34  # of the drawing, in its own units


@dataclass(frozen=True)
class Mark:
    """A study on the time line: where it stands, and where it leads."""

    row: WorklistRow
    modality: str
    x: float
    y: float
    is_anchor: bool


@dataclass(frozen=True)
class Lane:
    """A modality's line."""

    modality: str
    y: float


@dataclass(frozen=True)
class Year:
    """The first day of a year."""

    year: int
    x: float


@dataclass(frozen=True)
class TimeLine:
    """Studies by date and modality, in the units of a drawing `width` wide and `height` high."""

    marks: tuple[Mark, ...]
    lanes: tuple[Lane, ...]
    years: tuple[Year, ...]
    width: int
    height: int


@dataclass(frozen=True)
class PatientPage:
    """A patient's studies, latest first. `others` have the same id and issuer, and another name or birth date.

    `more` says that the id has more studies than are shown. Without an id, there is only the study itself.
    """

    anchor: WorklistRow
    name: str
    name_initials: str
    issuer: str
    rows: tuple[WorklistRow, ...]
    others: tuple[WorklistRow, ...]
    undated: int
    more: bool
    line: TimeLine | None


def get_patient_page(study: Study, reader: Reader) -> PatientPage:
    """The studies of the patient of a study that the caller may look at, and what else has that patient's id."""
    found = _same_id(study)
    theirs = [each for each in found[:MOST_STUDIES] if _is_same_person(each, study)]
    others = [each for each in found[:MOST_STUDIES] if not _is_same_person(each, study)]
    if study.id not in {each.id for each in theirs}:
        theirs.append(study)  # older than all that are shown
    known = {row.id: row for row in list_rows([each.id for each in [*theirs, *others]], reader)}
    rows = _rows(theirs, known)
    dated = [row for row in rows if row.study_date]
    name = display_name(study.patient_name)
    return PatientPage(
        anchor=known[study.id], name=name, name_initials=initials(name), issuer=study.issuer_of_patient_id, rows=rows,
        others=_rows(others, known), undated=len(rows) - len(dated), more=len(found) > MOST_STUDIES,
        line=draw_line(dated, study.id) if dated else None,
    )  # fmt: skip


def draw_line(rows: Sequence[WorklistRow], anchor: UUID) -> TimeLine:
    """Dated studies on their modalities' lanes, from the year of the first to the end of that of the last."""
    days = [row.study_date for row in rows]
    first, end = date(min(days).year, 1, 1), date(min(max(days).year + 1, 9999), 1, 1)
    lanes = sorted({_lane_of(row) for row in rows})
    y_of = {modality: _TOP + _LANE * (place + 0.5) for place, modality in enumerate(lanes)}

    def x_of(day: date) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (day - first).days / max(1, (end - first).days), 1)

    marks = (Mark(row, _lane_of(row), x_of(row.study_date), y_of[_lane_of(row)], row.id == anchor) for row in rows)
    step = -(-(end.year - first.year) // _YEARS_AT_MOST)
    years = (Year(year, x_of(date(year, 1, 1))) for year in range(first.year, end.year, step))
    return TimeLine(
        marks=tuple(marks), lanes=tuple(Lane(each, y_of[each]) for each in lanes), years=tuple(years),
        width=_RIGHT + 16, height=round(_TOP + _LANE * len(lanes) + 8),
    )  # fmt: skip


def _same_id(study: Study) -> list[Study]:
    """Studies with the patient's id from the same issuer; no id is no one's in common."""
    if not study.patient_id:
        return [study]
    same = Study.objects.filter(patient_id=study.patient_id, issuer_of_patient_id=study.issuer_of_patient_id)
    return list(same.defer("search_text").order_by(F("study_date").desc(nulls_last=True), "-id")[: MOST_STUDIES + 1])


def _is_same_person(one: Study, other: Study) -> bool:
    """Whether names and birth dates agree where both are known. Titles and middle names come and go."""
    if one.patient_birth_date and other.patient_birth_date and one.patient_birth_date != other.patient_birth_date:
        return False
    return _agree(fold_groups(one.patient_name)[0], fold_groups(other.patient_name)[0])


def _agree(one: str, other: str) -> bool:
    family_given = [tuple((name.split("^") + [""])[:2]) for name in (one, other)]
    return not (one and other) or family_given[0] == family_given[1]


def _lane_of(row: WorklistRow) -> str:
    """The modality that says most: not that of what was drawn or written about images."""
    said = [each for each in row.modalities if each not in ("SR", "PR", "KO", "SEG", "DOC")]
    return (said or list(row.modalities) or ["?"])[0]


def _rows(studies: Sequence[Study], known: dict[UUID, WorklistRow]) -> tuple[WorklistRow, ...]:
    return tuple(known[each.id] for each in studies if each.id in known)
