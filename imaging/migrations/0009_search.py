"""What searches need: folded names, terms of every study, and attributes of series; filled in for what is here."""

import uuid

import django.db.models.deletion
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper

import audit.scope
from imaging.dicom.person_name import fold_groups, fold_name, list_later_words
from tenants.scoping import composite_foreign_key, tenant_wall

_BATCH = 1000
_NEXT = """
SELECT id, tenant_id, study_date, patient_name, referring_physician_name, modalities FROM imaging_study
WHERE id > %s ORDER BY id LIMIT %s
"""
_KEYS = "UPDATE imaging_study SET patient_name_key = %s, referrer_name_key = %s WHERE id = %s"
_TERM = (
    "INSERT INTO imaging_searchterm (id, tenant_id, study_id, study_date, kind, key) VALUES (%s, %s, %s, %s, %s, %s)"
)


def _fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Fold the names of all practices' studies. The owner of the tables is behind the wall too, and has no tenant."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE imaging_study NO FORCE ROW LEVEL SECURITY")
        last = uuid.UUID(int=0)
        while last:
            last = _fill_batch(cursor, last)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE imaging_study FORCE ROW LEVEL SECURITY")


def _fill_batch(cursor: CursorWrapper, last: uuid.UUID) -> uuid.UUID | None:
    cursor.execute(_NEXT, [last, _BATCH])
    studies = cursor.fetchall()
    cursor.executemany(_KEYS, [(fold_name(name), fold_name(referrer), id) for id, _, _, name, referrer, _ in studies])
    cursor.executemany(
        _TERM,
        [
            (uuid.uuid4(), tenant, id, day, kind, key)
            for id, tenant, day, *texts in studies
            for kind, key in sorted(_terms(*texts))
        ],
    )
    return studies[-1][0] if studies else None


def _terms(name: str, referrer: str, modalities: str) -> set[tuple[str, str]]:
    groups, referrers = fold_groups(name), fold_groups(referrer)
    words = {word for group in groups for word in list_later_words(group)}
    by_kind = {"p": groups, "r": referrers, "w": words, "m": modalities.split("\\")}
    return {(kind, text[:64]) for kind, texts in by_kind.items() for text in texts if text}


class Migration(migrations.Migration):
    dependencies = [
        ("imaging", "0008_wall_of_connections"),
        ("tenants", "0004_connections"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchTerm",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("p", "Group of the patient's name"),
                            ("w", "Later word of the patient's name"),
                            ("r", "Group of the referring physician's name"),
                            ("m", "Modality in study"),
                        ],
                        max_length=1,
                    ),
                ),
                ("key", models.CharField(db_collation="C", max_length=64)),
                ("study_date", models.DateField(null=True)),
                (
                    "study",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_terms",
                        to="imaging.study",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=audit.scope.active_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.RemoveIndex(
            model_name="study",
            name="imaging_study_latest",
        ),
        migrations.AlterField(
            model_name="study",
            name="accession_number",
            field=models.CharField(blank=True, db_collation="C", max_length=64),
        ),
        migrations.AlterField(
            model_name="study",
            name="patient_id",
            field=models.CharField(blank=True, db_collation="C", max_length=64),
        ),
        migrations.AddField(
            model_name="series",
            name="performed_date",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="performed_time",
            field=models.TimeField(null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="request_attributes",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="series",
            name="series_date",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="patient_name_key",
            field=models.CharField(blank=True, db_collation="C", max_length=400),
        ),
        migrations.AddField(
            model_name="study",
            name="referrer_name_key",
            field=models.CharField(blank=True, db_collation="C", max_length=400),
        ),
        migrations.AddField(
            model_name="study",
            name="timezone_offset",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["tenant", "series_instance_uid"], name="imaging_series_by_uid"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                models.F("tenant"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("id"), descending=True),
                include=("patient_name_key",),
                name="imaging_study_latest",
            ),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                models.F("tenant"),
                models.F("patient_id"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("id"), descending=True),
                name="imaging_study_patient",
            ),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                models.F("tenant"),
                models.F("accession_number"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("id"), descending=True),
                name="imaging_study_accession",
            ),
        ),
        migrations.AddIndex(
            model_name="searchterm",
            index=models.Index(
                models.F("tenant"),
                models.F("kind"),
                models.F("key"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("study"), descending=True),
                name="imaging_searchterm_latest",
            ),
        ),
        migrations.AddConstraint(
            model_name="searchterm",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="imaging_searchterm_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="searchterm",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["p", "w", "r", "m"])), name="imaging_searchterm_kind"
            ),
        ),
        migrations.RunPython(_fill, migrations.RunPython.noop),
        tenant_wall("imaging_searchterm"),
        composite_foreign_key("imaging_searchterm", "study_id", "imaging_study"),
    ]
