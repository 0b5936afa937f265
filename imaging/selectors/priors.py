"""Other studies of one patient: what a reader compares with.

Who is the same patient is said by Patient ID alone within its issuer (PS3.3 §C.7.1.1), and never against a birth
date: two practices on one server may have given one number to two people.
"""

from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q

from imaging.models import Study
from imaging.selectors.names import display_name

MOST = 50


@dataclass(frozen=True)
class Prior:
    """Another study of the patient; `title` says whose, as the study itself states it."""

    study_instance_uid: str
    title: str
    study_date: date | None
    description: str
    modalities: tuple[str, ...]
    instance_count: int


def list_priors(study: Study) -> tuple[Prior, ...]:
    """The patient's other studies in the active tenant, newest first, at most `MOST`; none without a Patient ID."""
    if not study.patient_id:
        return ()
    others = Study.objects.filter(patient_id=study.patient_id).exclude(id=study.id)
    if study.issuer_of_patient_id:
        others = others.filter(issuer_of_patient_id__in=("", study.issuer_of_patient_id))
    if study.patient_birth_date:
        others = others.filter(Q(patient_birth_date=study.patient_birth_date) | Q(patient_birth_date=None))
    return tuple(_prior(other) for other in others.order_by(F("study_date").desc(nulls_last=True), "-id")[:MOST])


def identity_of(study: Study) -> str:
    """Name and Patient ID on one line."""
    return " · ".join(filter(None, (display_name(study.patient_name), study.patient_id)))


def _prior(study: Study) -> Prior:
    return Prior(
        study_instance_uid=study.study_instance_uid,
        title=identity_of(study),
        study_date=study.study_date,
        description=study.study_description,
        modalities=tuple(filter(None, study.modalities.split("\\"))),
        instance_count=study.instance_count,
    )
