"""What a study can be found by, kept beside it (`SearchTerm`). Run by the catalog in the transaction of an intake."""

from collections.abc import Iterable

from imaging.dicom.person_name import fold_groups, fold_name, list_later_words
from imaging.models import SearchTerm, Study

Term = tuple[SearchTerm.Kind, str]
_LENGTH = SearchTerm._meta.get_field("key").max_length


def fold_names(study: Study) -> None:
    """Fill in the study's folded names."""
    study.patient_name_key = fold_name(study.patient_name)
    study.referrer_name_key = fold_name(study.referring_physician_name)


def known_terms(study: Study) -> set[Term]:
    """The terms that are kept of a study as it was last saved; none of one that never was."""
    return _terms(study) if study.patient_name_key else set()


def add_terms(studies: Iterable[tuple[Study, set[Term]]]) -> None:
    """Keep the terms that each study has beside those given. None ever goes: series only come to a study."""
    SearchTerm.objects.bulk_create(
        SearchTerm(study=study, kind=kind, key=key, study_date=study.study_date)
        for study, known in studies
        for kind, key in sorted(_terms(study) - known)
    )


def _terms(study: Study) -> set[Term]:
    groups, kinds = fold_groups(study.patient_name), SearchTerm.Kind
    texts = {
        kinds.PATIENT: groups,
        kinds.WORD: [word for group in groups for word in list_later_words(group)],
        kinds.REFERRER: fold_groups(study.referring_physician_name),
        kinds.MODALITY: study.modalities.split("\\"),
    }
    return {(kind, text[:_LENGTH]) for kind, several in texts.items() for text in several if text}
