"""QIDO-RS over the index (PS3.18 §10.6): what can be asked, and the answers as DICOM JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from imaging.models import Instance, Series, Study
from imaging.selectors.dicom_json import instance_json, series_json, study_json

MAX_STUDIES, DEFAULT_STUDIES = 100, 25
MAX_OTHERS = 5000  # series of a study, instances of a series: a viewer asks for all of them at once
MAX_OFFSET = 1_000_000
_IGNORED = frozenset({"includefield", "fuzzymatching", "limit", "offset", "accept"})
_TAGS = {
    "00100010": "PatientName", "00100020": "PatientID", "00080020": "StudyDate", "0020000D": "StudyInstanceUID",
    "00080050": "AccessionNumber", "00080061": "ModalitiesInStudy", "0020000E": "SeriesInstanceUID",
    "00080060": "Modality", "00200011": "SeriesNumber", "00080018": "SOPInstanceUID", "00200013": "InstanceNumber",
}  # fmt: skip
_STUDY_KEYS = ("PatientName", "PatientID", "StudyDate", "StudyInstanceUID", "AccessionNumber", "ModalitiesInStudy")
_SERIES_KEYS = ("SeriesInstanceUID", "Modality", "SeriesNumber")
_INSTANCE_KEYS = ("SOPInstanceUID", "InstanceNumber")


class InvalidQuery(ValueError):
    """A parameter cannot be understood. Carries the parameter's name, never its value."""


@dataclass(frozen=True)
class Query:
    """What to match, by keyword; `unsupported` names parameters we cannot match, which are ignored (§8.3.4.1)."""

    keys: Mapping[str, list[str]]
    limit: int
    offset: int
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """DICOM JSON objects, and whether there are more behind them."""

    objects: list[dict[str, object]]
    more: bool


def study_query(parameters: Mapping[str, list[str]]) -> Query:
    """A search for studies; raises `InvalidQuery`. `parameters` are lists of values by name."""
    return _query(parameters, _STUDY_KEYS, DEFAULT_STUDIES, MAX_STUDIES)


def series_query(parameters: Mapping[str, list[str]]) -> Query:
    """A search for series of one study; raises `InvalidQuery`."""
    return _query(parameters, _SERIES_KEYS, MAX_OTHERS, MAX_OTHERS)


def instance_query(parameters: Mapping[str, list[str]]) -> Query:
    """A search for instances of one study or series; raises `InvalidQuery`."""
    return _query(parameters, _INSTANCE_KEYS, MAX_OTHERS, MAX_OTHERS)


def search_studies(query: Query, root: str) -> Found:
    """Studies of the active tenant, latest first; raises `InvalidQuery`."""
    studies = Study.objects.filter(*(_STUDY_MATCHES[key](values) for key, values in query.keys.items()))
    latest = studies.order_by(F("study_date").desc(nulls_last=True), "-id")
    return _page(latest, query, lambda study: study_json(study, root))


def search_series(study: Study, query: Query, root: str) -> Found:
    """Series of the study, by number; raises `InvalidQuery`."""
    series = Series.objects.filter(*(_SERIES_MATCHES[key](values) for key, values in query.keys.items()), study=study)
    ordered = series.order_by(F("series_number").asc(nulls_last=True), "series_instance_uid")
    return _page(ordered, query, lambda each: series_json(study, each, root))


def search_instances(study: Study, series: Series | None, query: Query, root: str) -> Found:
    """Instances of the series, or of the whole study, by number; raises `InvalidQuery`."""
    where = {"series": series} if series else {"series__study": study}
    instances = (
        Instance.objects.select_related("series")
        .defer("fragments")
        .filter(*(_INSTANCE_MATCHES[key](values) for key, values in query.keys.items()), **where)
    )
    ordered = instances.order_by("series_id", F("instance_number").asc(nulls_last=True), "sop_instance_uid")
    return _page(ordered, query, lambda each: instance_json(study, each, root))


def _page(rows: QuerySet, query: Query, to_json: object) -> Found:
    found = list(rows[query.offset : query.offset + query.limit + 1])
    return Found([to_json(row) for row in found[: query.limit]], len(found) > query.limit)


def _query(parameters: Mapping[str, list[str]], known: tuple[str, ...], default: int, most: int) -> Query:
    named = {_TAGS.get(name.upper(), name): values for name, values in parameters.items()}
    return Query(
        keys={name: values for name, values in named.items() if name in known and any(values)},
        limit=min(_number(named, "limit", default), most),
        offset=_number(named, "offset", 0),
        unsupported=tuple(sorted(name for name in named if name not in known and name not in _IGNORED)),
    )


def _number(named: Mapping[str, list[str]], name: str, default: int) -> int:
    text = named.get(name, [str(default)])[-1]
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or int(text) > MAX_OFFSET:
        raise InvalidQuery(name)
    return int(text)


def _wildcard(field: str, *, any_case: bool = False) -> object:
    """`*` is any run of characters and `?` any one (PS3.4 §C.2.2.2.4); otherwise the whole value must match."""

    def match(values: list[str]) -> Q:
        text = values[-1]
        if "\0" in text or len(text) > 1024:
            raise InvalidQuery(field)
        if not any_case and not {"*", "?"} & set(text):
            return Q(**{field: text})
        pattern = re.escape(re.sub(r"\*+", "*", text)).replace(r"\*", ".*").replace(r"\?", ".")
        return Q(**{f"{field}__{'iregex' if any_case else 'regex'}": f"^{pattern}$"})

    return match


def _uids(field: str) -> object:
    """A list of UIDs, separated by commas or backslashes (PS3.18 §8.3.4.1)."""
    return lambda values: Q(**{f"{field}__in": _split(values)})


def _integer(field: str) -> object:
    def match(values: list[str]) -> Q:
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", values[-1].strip(), re.ASCII):
            raise InvalidQuery(field)
        return Q(**{field: int(values[-1])})

    return match


def _dates(values: list[str]) -> Q:
    """A day, or a range with either end open (PS3.4 §C.2.2.2.5)."""
    first, dash, last = values[-1].partition("-")
    if not dash:
        return Q(study_date=_day(first))
    bounds = {"study_date__gte": first, "study_date__lte": last}
    if not any(bounds.values()):
        raise InvalidQuery("StudyDate")
    return Q(**{lookup: _day(text) for lookup, text in bounds.items() if text})


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date without a time has no zone
    except ValueError:
        raise InvalidQuery("StudyDate") from None


def _modalities(values: list[str]) -> Q:
    """Any of several; the column holds them joined by a backslash."""
    wanted = Q()
    for modality in _split(values):
        if not re.fullmatch(r"[A-Z0-9_]{1,16}", modality, re.ASCII):
            raise InvalidQuery("ModalitiesInStudy")
        wanted |= Q(modalities__regex=rf"(^|\\){modality}(\\|$)")
    return wanted


def _split(values: list[str]) -> list[str]:
    parts = [part.strip() for value in values for part in re.split(r"[,\\]", value)]
    if any("\0" in part for part in parts) or len(parts) > 500:
        raise InvalidQuery("list")
    return [part for part in parts if part]


_STUDY_MATCHES = {
    "PatientName": _wildcard("patient_name", any_case=True),
    "PatientID": _wildcard("patient_id"),
    "StudyDate": _dates,
    "StudyInstanceUID": _uids("study_instance_uid"),
    "AccessionNumber": _wildcard("accession_number"),
    "ModalitiesInStudy": _modalities,
}
_SERIES_MATCHES = {
    "SeriesInstanceUID": _uids("series_instance_uid"),
    "Modality": _uids("modality"),
    "SeriesNumber": _integer("series_number"),
}
_INSTANCE_MATCHES = {
    "SOPInstanceUID": _uids("sop_instance_uid"),
    "InstanceNumber": _integer("instance_number"),
}
