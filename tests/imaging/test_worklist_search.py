"""The worklist's search against a brute-force oracle: the same studies in the same order, however it goes about it."""

import random
import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imaging.dicom.person_name import fold
from imaging.dicom.search_words import read_words
from imaging.models import Priority, Reading, SearchTerm, Study, Triage
from imaging.selectors.qido_plan import Bounds
from imaging.selectors.worklist import Position, Reader, WorklistFilter, WorklistPage, list_worklist
from imaging.selectors.worklist_plan import BOUNDS
from imaging.services.search_terms import add_terms, fold_texts
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope

FAMILIES = ["Doe", "Müller-Lüdenscheid", "O'Brien", "Smith", "Garcia Lopez", "Ångström", "Smithson"]
GIVEN = ["Jane", "Hans-Peter", "Bob", "María", "Smith", "Al"]
DESCRIPTIONS = ["Knee left", "Bitewing (recall)", "CT Abdomen/Pelvis", "", "T1-TSE", "Smith's fracture"]
REFERRERS = ["House^Gregory", "Rossi^Rita", "", "Doe^Janet"]
MODALITIES = ["CT", "MR", "IO\\PX", "CT\\SR", "US"]
TIGHT = Bounds(rows=5_000, ordered=0, milliseconds=1000)  # no word leads anywhere: all studies are passed by date
ONLY_TERMS = Bounds(rows=5_000, ordered=10**9, milliseconds=1000)


def make_study(chance: random.Random, number: int) -> Study:
    now = timezone.now()
    names = f"{chance.choice(FAMILIES)}^{chance.choice(GIVEN)}"
    name = f"{names}=山田^太郎" if chance.random() < 0.1 else names
    return Study(
        study_instance_uid=f"1.2.{number}", patient_name=name,
        patient_id=chance.choice([f"P-{number:05}", f"X{number}", ""]),
        patient_birth_date=chance.choice([None, date(1970, 1, 31), date(1955, 12, chance.randint(1, 28))]),
        study_date=chance.choice([None, date(2024, 3, chance.randint(1, 9)), date(2023, chance.randint(1, 12), 5)]),
        study_description=chance.choice(DESCRIPTIONS),
        accession_number=chance.choice(["", f"ACC{number}", f"A/{number}"]),
        referring_physician_name=chance.choice(REFERRERS), modalities=chance.choice(MODALITIES), instance_count=1,
        received_at=now, last_received_at=now,
    )  # fmt: skip


@pytest.fixture
def archive(northside: Tenant, southside: Tenant) -> list[Study]:
    """A hundred and thirty studies of Northside, latest first; as many of the same names in the other practice."""
    for tenant in (southside, northside):
        with tenant_scope(tenant.id):
            studies = add_studies(range(130))
    return in_order(studies)


def add_studies(numbers: range) -> list[Study]:
    chance = random.Random(5)
    studies = [make_study(chance, number) for number in numbers]
    for study in studies:
        fold_texts(study)
    Study.objects.bulk_create(studies)
    add_terms((study, set()) for study in studies)
    return studies


def in_order(studies: list[Study]) -> list[Study]:
    dated = [study for study in studies if study.study_date]
    undated = [study for study in studies if not study.study_date]
    return [
        *sorted(dated, key=lambda study: (study.study_date, study.id.int), reverse=True),
        *sorted(undated, key=lambda study: study.id.int, reverse=True),
    ]


def tokens(study: Study) -> set[str]:
    """Everything of the study that a word may begin, found without the code under test."""
    born, day = study.patient_birth_date, study.study_date
    texts = [
        study.patient_name, study.patient_id, study.accession_number, study.study_description,
        study.referring_physician_name, study.modalities.replace("\\", " "),
        born.isoformat() if born else "", day.isoformat() if day else "",
    ]  # fmt: skip
    whole = {raw for text in texts for raw in re.split(r"[\s^=,]+", fold(text)) if raw}
    dates = {each.isoformat() for each in (born, day) if each}
    parts = {part for raw in whole - dates for part in re.split(r"[\W_]+", raw)}
    runs = re.findall("[0-9]+", f"{study.patient_id} {study.accession_number}")
    numbers = {re.sub("^0+(?=.)", "", run) for run in runs}
    return whole | parts | numbers


def matches(study: Study, wanted: WorklistFilter) -> bool:
    known = tokens(study)
    return (
        all(any(token.startswith(b) for token in known for b in word.beginnings) for word in read_words(wanted.words))
        and (not wanted.modality or wanted.modality in study.modalities.split("\\"))
        and (not wanted.date_from or bool(study.study_date and study.study_date >= wanted.date_from))
        and (not wanted.date_to or bool(study.study_date and study.study_date <= wanted.date_to))
    )


SEARCHES = [
    {"words": words}
    for words in (
        "doe", "do", "d", "jane doe", "doe jane", "DOE, J", "muller", "müller hans", "hans-peter", "peter",
        "lüdenscheid",
        "o'brien", "brien", "angstrom", "smith", "smith smith", "al", "garcia maria", "lopez", "山田", "太郎",
        "p-00017", "17", "00017", "x17", "acc17", "a/17", "knee", "left knee", "abdomen", "pelvis", "abdomen/pelvis",
        "recall", "(recall", "t1-tse", "tse", "ct", "ct knee", "px", "io", "sr", "house", "gregory", "rita rossi",
        "janet",
        "31.1.1970", "1970-01-31", "1970", "31 jan 1970 doe", "2024-03", "3/2024", "march 2024", "2024-03-05",
        "5.3.2024",
        "2023", "1955-12", "zzz", "doe zzz", "s", "2", "%", "_", "\\", "a", "smith ct", "smith's", "fracture",
    )
] + [
    {"modality": "CT"}, {"modality": "SR", "words": "doe"}, {"date_from": date(2024, 1, 1)}, {},
    {"date_to": date(2023, 6, 1), "words": "smith"}, {"date_from": date(2024, 3, 3), "date_to": date(2024, 3, 4)},
    {"modality": "CT", "date_from": date(2024, 1, 1), "words": "a"},
]  # fmt: skip


@pytest.mark.parametrize("bounds", [BOUNDS, TIGHT, ONLY_TERMS], ids=["usual", "by-date", "by-terms"])
def test_every_search_finds_what_an_oracle_finds(bounds: Bounds, northside: Tenant, archive: list[Study]) -> None:
    with tenant_scope(northside.id):
        for values in SEARCHES:
            wanted = WorklistFilter(**values)
            expected = [study.id for study in archive if matches(study, wanted)]
            for oldest_first in (False, True):
                page = list_worklist(wanted, size=1000, bounds=bounds, oldest_first=oldest_first)
                found = [row.id for row in page.rows]
                assert found == (turned(archive, expected) if oldest_first else expected), (values, oldest_first)
                assert not page.partial, values


def turned(archive: list[Study], ids: list) -> list:
    """Oldest first, and those without a date last all the same."""
    wanted = [study for study in archive if study.id in set(ids)]
    dated = [study.id for study in wanted if study.study_date]
    return dated[::-1] + [study.id for study in wanted if not study.study_date][::-1]


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("bounds", [BOUNDS, TIGHT], ids=["usual", "by-date"])
@pytest.mark.parametrize("values", [{}, {"words": "smith"}, {"modality": "CT"}, {"words": "2024-03"}])
def test_paging_forth_and_back_shows_every_study_once(
    values: dict, bounds: Bounds, oldest_first: bool, northside: Tenant, archive: list[Study]
) -> None:
    def page_at(position: Position | None) -> WorklistPage:
        return list_worklist(WorklistFilter(**values), position, 7, oldest_first=oldest_first, bounds=bounds)

    with tenant_scope(northside.id):
        pages, page = [], page_at(None)
        everything = [row.id for row in list_worklist(
            WorklistFilter(**values), size=1000, oldest_first=oldest_first, bounds=bounds
        ).rows]  # fmt: skip
        assert page.previous is None
        while True:
            pages.append([row.id for row in page.rows])
            if page.next is None:
                break
            page = page_at(Position(page.next))
        back = [pages[-1]]
        while page.previous:
            page = page_at(Position(page.previous, backwards=True))
            back.append([row.id for row in page.rows])

    assert [each for page in pages for each in page] == everything
    assert len(everything) > 10
    assert [each for page in back[::-1] for each in page][-14:] == everything[-14:]
    assert set(everything) == {each for page in back for each in page}


def test_a_search_stops_at_its_bounds_and_says_so(northside: Tenant, archive: list[Study]) -> None:
    small = Bounds(rows=20, ordered=5, milliseconds=1000)
    with tenant_scope(northside.id):
        page = list_worklist(WorklistFilter(words="zzz doe"), bounds=small)
        assert (page.rows, page.partial) == ((), False)  # a rare word ends the search
        page = list_worklist(WorklistFilter(words="t1-tse fracture"), bounds=small)
        assert page.partial
        page = list_worklist(WorklistFilter(words="d"), size=3, bounds=small)
        latest = [study.id for study in archive[:20] if matches(study, WorklistFilter(words="d"))]
        assert [row.id for row in page.rows] == latest[:3]
        page = list_worklist(WorklistFilter(), size=25, bounds=small)
        assert page.partial
        assert len(page.rows) == 20


def test_two_frequent_words_are_found_where_they_stand_together(northside: Tenant, archive: list[Study]) -> None:
    small = Bounds(rows=3, ordered=5, milliseconds=1000)
    with tenant_scope(northside.id):
        page = list_worklist(WorklistFilter(words="jane doe"), bounds=small)

    assert page.partial
    assert page.rows
    assert {row.patient_name for row in page.rows} == {"Doe, Jane"}


def test_a_neighbours_studies_are_never_found(southside: Tenant, northside: Tenant, archive: list[Study]) -> None:
    with tenant_scope(northside.id):
        ours = {row.id for row in list_worklist(WorklistFilter(words="doe"), size=1000).rows}
    with tenant_scope(southside.id):
        theirs = {row.id for row in list_worklist(WorklistFilter(words="doe"), size=1000).rows}

    assert ours
    assert theirs
    assert not ours & theirs


def test_what_is_unread_mine_or_urgent(northside: Tenant, nora: User, archive: list[Study]) -> None:
    first, second, third, *_ = archive
    reader = Reader(nora.pk, nora.memberships.get().created_at, date(2024, 3, 9))
    with tenant_scope(northside.id):
        old = [study.id for study in archive[3:]]
        Study.objects.filter(id__in=old).update(last_received_at="2001-01-01T00:00Z")
        Reading.objects.create(study=second, user_id=nora.pk, read_at=timezone.now())
        Reading.objects.create(study_id=archive[5].id, user_id=nora.pk, read_at=None)
        Triage.objects.create(study=first, study_date=first.study_date, assigned_to_id=nora.pk)
        Triage.objects.create(study=third, study_date=third.study_date, priority=Priority.STAT)

        def found(bounds: Bounds = BOUNDS, **values: object) -> list:
            page = list_worklist(WorklistFilter(**values), size=1000, reader=reader, bounds=bounds)
            assert not page.partial
            return [row.id for row in page.rows]

        for bounds in (BOUNDS, TIGHT, ONLY_TERMS):
            assert found(bounds, unread=True) == [first.id, third.id, archive[5].id]
            assert found(bounds, mine=True) == [first.id]
            assert found(bounds, urgent=True) == [third.id]
            assert found(bounds, urgent=True, mine=True) == []
            today = [study.id for study in archive if study.study_date == date(2024, 3, 9)]
            assert found(bounds, today=True) == today
            assert found(bounds, today=True, date_to=date(2024, 3, 1)) == []
        rows = {row.id: row for row in list_worklist(WorklistFilter(), size=10, reader=reader).rows}

    assert (rows[first.id].assigned_to, rows[first.id].unread) == ("Nora", True)
    assert (rows[third.id].priority, rows[second.id].unread) == ("stat", False)


def test_a_search_costs_the_same_statements_in_any_archive(northside: Tenant, archive: list[Study]) -> None:
    def cost(words: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            list_worklist(WorklistFilter(words=words))
        return len(queries)

    with tenant_scope(northside.id):
        few = {words: cost(words) for words in ("doe", "jane doe", "zzz", "2024-03", "")}
        add_studies(range(1000, 1130))
        many = {words: cost(words) for words in few}

    assert max(few.values()) <= 16
    assert all(many[words] <= few[words] for words in few), (few, many)


def test_terms_and_tokens_say_the_same(northside: Tenant, archive: list[Study]) -> None:
    """Whatever begins a token begins a term: else a search by terms would miss what one by date finds."""
    with tenant_scope(northside.id):
        for study in archive[:80]:
            terms = list(SearchTerm.objects.filter(study=study).values_list("kind", "key"))
            day = study.study_date.isoformat() if study.study_date else ""
            for token in study.search_text.split():
                led = any(key.startswith(token) for kind, key in terms if kind != "m") or token == day
                assert led or ("m", token.upper()) in terms, (token, terms)
