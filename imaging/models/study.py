"""A study of one patient, with what the worklist shows and searches."""

from django.conf import settings
from django.db import models

from tenants.scoping import TenantModel


class Study(TenantModel):
    """One study (PS3.3 §A.1.2.2). Patient attributes are those of its first instance; they are never merged."""

    study_instance_uid = models.CharField(max_length=64)
    # Ordered by byte (C), so that those with one beginning are one range of the index.
    patient_id = models.CharField(max_length=64, blank=True, db_collation="C")
    issuer_of_patient_id = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=1024, blank=True)
    patient_birth_date = models.DateField(null=True)
    patient_sex = models.CharField(max_length=16, blank=True)
    study_date = models.DateField(null=True)
    study_time = models.TimeField(null=True)
    study_description = models.CharField(max_length=1024, blank=True)
    study_id = models.CharField(max_length=64, blank=True)
    accession_number = models.CharField(max_length=64, blank=True, db_collation="C")
    referring_physician_name = models.CharField(max_length=1024, blank=True)
    institution_name = models.CharField(max_length=1024, blank=True)
    modalities = models.CharField(max_length=200, blank=True)  # ModalitiesInStudy, joined by a backslash
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # bytes of all Part 10 files
    timezone_offset = models.CharField(max_length=16, blank=True)  # TimezoneOffsetFromUTC, as &ZZXX
    # Folded by imaging.dicom.person_name, and never '' once the study is indexed.
    patient_name_key = models.CharField(max_length=400, blank=True, db_collation="C")
    referrer_name_key = models.CharField(max_length=400, blank=True, db_collation="C")
    # The tokens of everything that is searched (imaging.dicom.search_words), a blank before and behind each.
    search_text = models.TextField(blank=True)
    received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    held_at = models.DateTimeField(null=True)
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    hold_reason = models.CharField(max_length=500, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "study_instance_uid"], name="imaging_study_uid"),
        ]
        indexes = [
            models.Index(
                models.F("tenant"),
                models.F("study_date").desc(nulls_last=True),
                models.F("id").desc(),
                # A search for a part of a name walks through the index, not the rows.
                include=["patient_name_key"],
                name="imaging_study_latest",
            ),
            *(
                models.Index(
                    models.F("tenant"),
                    models.F(column),
                    models.F("study_date").desc(nulls_last=True),
                    models.F("id").desc(),
                    name=f"imaging_study_{short}",
                )
                for column, short in {"patient_id": "patient", "accession_number": "accession"}.items()
            ),
        ]
