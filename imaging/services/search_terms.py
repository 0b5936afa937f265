"""What a study can be found by, kept beside it (`SearchTerm`). Run by the catalog in the transaction of an intake."""

from collections.abc import Iterable

from imaging.dicom.person_name import fold_groups, fold_name, list_later_words
from imaging.dicom.search_words import list_inner_tokens, list_other_tokens, search_text
from imaging.models import SearchTerm, Study

Term = tuple[SearchTerm.Kind, str]
_LENGTH = SearchTerm._meta.get_field("key").max_length


def fold_texts(study: Study) -> None:
    """Fill in the study's folded names, and the tokens that the worklist's search holds words against."""
    study.patient_name_key = fold_name(study.patient_name)
    study.referrer_name_key = fold_name(study.referring_physician_name)
    names = [*fold_groups(study.patient_name), *fold_groups(study.referring_physician_name)]
    study.search_text = search_text(names, _other_tokens(study), study.study_date, study.modalities.split("\\"))


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
    """Whatever begins a token of the study begins one of its terms, a modality's code or the study date."""
    groups, kinds = fold_groups(study.patient_name), SearchTerm.Kind
    referrers = fold_groups(study.referring_physician_name)
    texts = {
        kinds.PATIENT: groups,
        kinds.WORD: [*(word for group in groups for word in list_later_words(group)), *list_inner_tokens(groups)],
        kinds.REFERRER: referrers,
        kinds.MODALITY: study.modalities.split("\\"),
        kinds.TOKEN: [*list_inner_tokens(referrers), *_other_tokens(study)],
    }
    return {(kind, text[:_LENGTH]) for kind, several in texts.items() for text in several if text}


def _other_tokens(study: Study) -> list[str]:
    ids = (study.patient_id, study.accession_number, study.study_id)
    return list_other_tokens(ids, study.study_description, study.patient_birth_date)
