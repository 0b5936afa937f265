"""Names in searches: groups, components, accents, and words in any order."""

import json

import pytest
from django.test import Client

from imaging.dicom.person_name import fold_name, list_words
from imaging.models import SearchTerm, Study
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.incoming import instance
from tests.imaging.library import keep

STUDIES = "/t/northside/dicomweb/studies"
YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう"
MULLER, OBRIEN, SMITH, DOE, LONE = "MÜLLER^Ute Anna^^Dr.", "O'Brien-Kelly^Pat", "Smith^John", "Doe^Smithson", "^Cher"
NAMES = [YAMADA, MULLER, OBRIEN, SMITH, DOE, LONE]


@pytest.fixture
def client(northside: Tenant, bob: User, nora: User, browser_of) -> Client:
    keep(
        northside, bob,
        *(instance(1, study=study, PatientName=name, ReferringPhysicianName=name, SpecificCharacterSet="ISO_IR 192")
          for study, name in enumerate(NAMES, 1)),
    )  # fmt: skip
    return browser_of(nora)


def found(client: Client, **parameters: object) -> set[str]:
    response = client.get(STUDIES, parameters)
    assert response.status_code == 200, response.content
    groups = [each["00100010"]["Value"][0] for each in json.loads(response.content)]
    return {"=".join(each.values()) for each in groups}


CASES = [
    ("yamada^tarou", {YAMADA}), ("山田^太郎", {YAMADA}), ("山田*", {YAMADA}), ("=山田^*", {YAMADA}),
    ("Yamada^Tarou=山田^太郎", {YAMADA}), ("Yamada^Tarou=山田^花子", set()), ("==やまだ*", {YAMADA}),
    ("yamada^tarou=*", {YAMADA}), ("*田*", {YAMADA}), ("tarou*", set()), ("*tarou", {YAMADA}),
    ("*tarou*太郎*", set()),
    ("muller^ute anna^^dr.", {MULLER}), ("müller^ute  anna^^dr.", {MULLER}), ("MULLER^*", {MULLER}),
    ("m?ller*", {MULLER}), ("muller^ute*", {MULLER}), ("muller", set()), ("*^ute*", {MULLER}),
    ("smith^john", {SMITH}), ("smith^john^^", {SMITH}), ("smith^john^*", {SMITH}), ("smith*", {SMITH}),
    ("*smith*", {SMITH, DOE}), ("*^smith*", {DOE}), ("*h^j*", {SMITH}), ("^cher", {LONE}), ("^*", set(NAMES)),
    ("*^cher", {LONE}), ("cher", set()), ("", set(NAMES)), ("***", set(NAMES)), ("*=*", set(NAMES)),
    ("o'brien*", {OBRIEN}), ("smith^jo[hx]n", set()), ("smith.john", set()), ("%", set()), ("smith_john", set()),
]  # fmt: skip
FUZZY_CASES = [
    ("smith", {SMITH, DOE}), ("john smi", {SMITH}), ("smi^jo", {SMITH}), ("kelly", {OBRIEN}), ("brien pat", {OBRIEN}),
    ("anna muller", {MULLER}), ("cher", {LONE}), ("mith", set()), ("太郎", {YAMADA}), ("smith*", {SMITH, DOE}),
    ("^ *", set(NAMES)), ("tarou 山田", {YAMADA}),
]  # fmt: skip


@pytest.mark.parametrize("keyword", ["PatientName", "ReferringPhysicianName"])
def test_a_name_is_found_by_group_and_component(keyword: str, client: Client) -> None:
    wrong = [(value, got) for value, names in CASES if (got := found(client, **{keyword: value})) != names]

    assert wrong == []


@pytest.mark.parametrize("keyword", ["PatientName", "ReferringPhysicianName"])
def test_fuzzy_matching_finds_words_by_how_they_begin(keyword: str, client: Client) -> None:
    fuzzy = {"fuzzymatching": "true"}
    wrong = [
        (value, got) for value, names in FUZZY_CASES if (got := found(client, **{keyword: value}, **fuzzy)) != names
    ]

    assert wrong == []


def test_fuzzy_matching_says_what_it_does(client: Client) -> None:
    assert "how their words begin" in client.get(STUDIES, {"PatientName": "smi", "fuzzymatching": "true"})["Warning"]
    assert "Warning" not in client.get(STUDIES, {"PatientID": "1", "fuzzymatching": "true"})
    assert client.get(STUDIES, {"PatientName": "smi", "fuzzymatching": "perhaps"}).status_code == 400


def test_names_are_folded_with_three_groups() -> None:
    assert fold_name(" DOE ^Jane^^") == "doe^jane=="
    assert fold_name("Straße^Ægir=Ёлкин^Łukasz") == "strasse^aegir=елкин^lukasz="
    assert fold_name("ガ^ぎ") == "ガ^ぎ==", "voiced kana are letters of their own"
    assert fold_name("a=b=c=d") == "a=b=c"
    assert list_words("o'brien-kelly^pat j.") == ["o", "brien", "kelly", "pat", "j"]


def test_a_study_is_found_by_what_came_later_and_its_terms_go_with_it(northside: Tenant, bob: User) -> None:
    keep(northside, bob, instance(1, Modality="CT"))
    keep(northside, bob, instance(2, Modality="CT"), instance(1, series=2, Modality="SEG"))

    with tenant_scope(northside.id):
        kept = sorted(SearchTerm.objects.values_list("kind", "key"))
        assert kept.count(("m", "CT")) == 1
        assert ("m", "SEG") in kept
        assert Study.objects.get().delete()
        assert not SearchTerm.objects.exists()
        assert not Study.objects.exists()
