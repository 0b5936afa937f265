"""Row-level security on what people note about studies; every study's tokens, for the worklist's search."""

import uuid

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

from imaging.dicom.person_name import fold_groups, list_later_words
from imaging.dicom.search_words import list_inner_tokens, list_other_tokens, search_text
from tenants.scoping import composite_foreign_key, tenant_wall

_BATCH = 1000
_NEXT = """
SELECT id, tenant_id, study_date, patient_name, referring_physician_name, modalities, patient_id, accession_number,
    study_id, study_description, patient_birth_date FROM imaging_study
WHERE id > %s AND instance_count > 0 ORDER BY id LIMIT %s
"""
_TERM = (
    "INSERT INTO imaging_searchterm (id, tenant_id, study_id, study_date, kind, key) VALUES (%s, %s, %s, %s, %s, %s)"
)
_WALLED = ("imaging_study", "imaging_searchterm")


def _fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Keep the tokens of all practices' studies. The owner of the tables is behind the wall too, and has no tenant."""
    with schema_editor.connection.cursor() as cursor:
        for table in _WALLED:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        last = uuid.UUID(int=0)
        while last:
            last = _fill_batch(cursor, last)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in _WALLED:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _fill_batch(cursor: CursorWrapper, last: uuid.UUID) -> uuid.UUID | None:
    cursor.execute(_NEXT, [last, _BATCH])
    studies, texts, terms = cursor.fetchall(), [], []
    for study_id, tenant, day, name, referrer, modalities, *ids, description, born in studies:
        groups, referrers = fold_groups(name), fold_groups(referrer)
        others = list_other_tokens(ids, description, born)
        texts.append((search_text((*groups, *referrers), others, day, modalities.split("\\")), study_id))
        known = {word[:64] for group in groups for word in list_later_words(group)}
        found = [("w", token) for token in list_inner_tokens(groups) if token not in known]
        found += [("t", token) for token in [*list_inner_tokens(referrers), *others]]
        terms += [(uuid.uuid4(), tenant, study_id, day, kind, key) for kind, key in sorted(set(found)) if key]
    cursor.executemany("UPDATE imaging_study SET search_text = %s WHERE id = %s", texts)
    cursor.executemany(_TERM, terms)
    return studies[-1][0] if studies else None


class Migration(migrations.Migration):
    dependencies = [("imaging", "0010_worklist")]
    operations = [
        migrations.RunPython(_fill, migrations.RunPython.noop),
        *(tenant_wall(f"imaging_{table}") for table in ("triage", "reading", "savedfilter", "worklistsettings")),
        composite_foreign_key("imaging_triage", "study_id", "imaging_study"),
        composite_foreign_key("imaging_reading", "study_id", "imaging_study"),
    ]
