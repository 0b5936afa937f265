"""Triage, readings, saved filters and settings of worklists; a kind of search terms for every other text."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import audit.scope


class Migration(migrations.Migration):
    dependencies = [
        ("imaging", "0009_search"),
        ("tenants", "0004_connections"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "study",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="readings",
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("wanted", models.JSONField(default=dict)),
                ("shared", models.BooleanField(default=False)),
                ("pinned", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
        migrations.CreateModel(
            name="Triage",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("study_date", models.DateField(null=True)),
                (
                    "priority",
                    models.CharField(
                        choices=[("routine", "Routine"), ("urgent", "Urgent"), ("stat", "Stat")],
                        default="routine",
                        max_length=10,
                    ),
                ),
                (
                    "assigned_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "study",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="triage",
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
        migrations.CreateModel(
            name="WorklistSettings",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("columns", models.JSONField(default=list)),
                ("density", models.CharField(default="normal", max_length=10)),
                ("order", models.CharField(default="latest", max_length=10)),
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "default_manager_name": "objects",
            },
        ),
        migrations.RemoveConstraint(
            model_name="searchterm",
            name="imaging_searchterm_kind",
        ),
        migrations.AlterField(
            model_name="searchterm",
            name="kind",
            field=models.CharField(
                choices=[
                    ("p", "Group of the patient's name"),
                    ("w", "Later word of the patient's name"),
                    ("r", "Group of the referring physician's name"),
                    ("m", "Modality in study"),
                    ("t", "Word of another text"),
                ],
                max_length=1,
            ),
        ),
        migrations.AddConstraint(
            model_name="searchterm",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["p", "w", "r", "m", "t"])), name="imaging_searchterm_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="imaging_reading_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(fields=("tenant", "study", "user"), name="imaging_reading_once"),
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="imaging_savedfilter_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.UniqueConstraint(fields=("tenant", "owner", "name"), name="imaging_savedfilter_name"),
        ),
        migrations.AddIndex(
            model_name="triage",
            index=models.Index(
                models.F("tenant"),
                models.F("assigned_to"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("study"), descending=True),
                name="imaging_triage_assigned",
            ),
        ),
        migrations.AddIndex(
            model_name="triage",
            index=models.Index(
                models.F("tenant"),
                models.F("priority"),
                models.OrderBy(models.F("study_date"), descending=True, nulls_last=True),
                models.OrderBy(models.F("study"), descending=True),
                name="imaging_triage_urgency",
            ),
        ),
        migrations.AddConstraint(
            model_name="triage",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="imaging_triage_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="triage",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__in", ["routine", "urgent", "stat"])), name="imaging_triage_priority"
            ),
        ),
        migrations.AddConstraint(
            model_name="worklistsettings",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="imaging_worklistsettings_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="worklistsettings",
            constraint=models.UniqueConstraint(fields=("tenant", "user"), name="imaging_worklistsettings_once"),
        ),
    ]
