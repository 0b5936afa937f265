"""What a study can be found by, one row each: the index behind searches."""

from django.db import models

from imaging.models.study import Study
from tenants.scoping import TenantModel


class SearchTerm(TenantModel):
    """The beginning of a folded name (`imaging.dicom.person_name`), a modality, or a token of one study.

    Tokens (`imaging.dicom.search_words`) are those of the patient's id and birth date, of the accession number, the
    study's id and description, and of the referring physician's name behind its first word.

    Ordered by byte, so that a beginning is one range of the index; with the study's date, so that the latest of a
    range come out of the index alone. Written by `imaging.services.search_terms`, and gone with the study.
    """

    class Kind(models.TextChoices):
        PATIENT = "p", "Group of the patient's name"
        WORD = "w", "Later word of the patient's name"
        REFERRER = "r", "Group of the referring physician's name"
        MODALITY = "m", "Modality in study"
        TOKEN = "t", "Word of another text"

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="search_terms", db_constraint=False)
    kind = models.CharField(max_length=1, choices=Kind)
    key = models.CharField(max_length=64, db_collation="C")
    study_date = models.DateField(null=True)  # as the study's, which never changes

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(kind__in=["p", "w", "r", "m", "t"]), name="imaging_searchterm_kind"
            ),
        ]
        indexes = [
            models.Index(
                models.F("tenant"),
                models.F("kind"),
                models.F("key"),
                models.F("study_date").desc(nulls_last=True),
                models.F("study").desc(),
                name="imaging_searchterm_latest",
            ),
        ]
