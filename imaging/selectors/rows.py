"""Single rows that reading an image starts from, with the rows above them; `imaging.access` decides who gets them.

Statements, not querysets: a viewer asks hundreds of times a second (`audit.statement`).
"""

from django.db.models import Model

from audit.statement import Statement
from imaging.models import Instance, Series, Study
from tenants.scoping import active_tenant_id


def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _columns(alias: str, model: type[Model]) -> str:
    return ", ".join(f"{alias}.{name}" for name in _names(model))


_STUDY_OF = "JOIN imaging_study t ON (t.tenant_id, t.id) = (s.tenant_id, s.study_id) AND t.study_instance_uid = %s"
_SERIES_OF = "JOIN imaging_series s ON (s.tenant_id, s.id) = (i.tenant_id, i.series_id) AND s.series_instance_uid = %s"
_ABOVE = f"{_columns('s', Series)}, {_columns('t', Study)}"
_SERIES = Statement(
    f"SELECT {_ABOVE} FROM imaging_series s {_STUDY_OF} WHERE s.tenant_id = %s AND s.series_instance_uid = %s"
)
_INSTANCE = Statement(
    f"SELECT {_columns('i', Instance)}, {_ABOVE} FROM imaging_instance i {_SERIES_OF} {_STUDY_OF}"
    " WHERE i.tenant_id = %s AND i.sop_instance_uid = %s"
)
_INSTANCE_WIDTH, _SERIES_WIDTH = len(_names(Instance)), len(_names(Series))


def find_series(study_instance_uid: str, series_instance_uid: str) -> Series | None:
    """A series of the active tenant, with its study."""
    rows = _SERIES.rows(study_instance_uid, active_tenant_id(), series_instance_uid)
    return _series(rows[0]) if rows else None


def find_instance(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Instance | None:
    """An instance of the active tenant, with its series and study."""
    rows = _INSTANCE.rows(series_instance_uid, study_instance_uid, active_tenant_id(), sop_instance_uid)
    if not rows:
        return None
    instance = Instance.from_db("default", _names(Instance), rows[0][:_INSTANCE_WIDTH])
    instance.series = _series(rows[0][_INSTANCE_WIDTH:])
    return instance


def _series(row: tuple) -> Series:
    series = Series.from_db("default", _names(Series), row[:_SERIES_WIDTH])
    series.study = Study.from_db("default", _names(Study), row[_SERIES_WIDTH:])
    return series
