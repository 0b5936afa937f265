"""How the list looks, and searches that were given a name: each person's own, or shared by an owner."""

import pytest
from django.test import Client

from audit.actions import Action
from imaging.models import SavedFilter
from imaging.selectors.worklist_settings import get_settings
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.imaging.incoming import instance
from tests.imaging.library import events, keep

LIST, SETTINGS, FILTERS = (f"/t/northside/{path}" for path in ("", "worklist/settings", "worklist/filters"))


@pytest.fixture
def archive(northside: Tenant, bob: User) -> Tenant:
    keep(
        northside, bob, instance(1, study=1, PatientName="Doe^Jane", StudyDate="20240101", AccessionNumber="ACC-1"),
        instance(1, study=2, PatientName="Roe^Richard", StudyDate="20250101"),
    )  # fmt: skip
    return northside


def page(client: Client) -> str:
    return client.get(LIST).content.decode()


def test_columns_density_and_order_are_each_persons_own(archive: Tenant, nora: User, bob: User, browser_of) -> None:
    client = browser_of(nora)
    client.post(SETTINGS, {"columns": ["accession", "date"], "density": "compact", "order": "oldest"})

    mine, theirs = page(client), page(browser_of(bob))

    assert "results--compact" in mine and "results--normal" in theirs
    assert 'data-label="Accession"' in mine and 'data-label="Accession"' not in theirs
    assert mine.index("Doe, ") < mine.index("Roe, ")
    assert theirs.index("Roe, ") < theirs.index("Doe, ")
    client.post(SETTINGS, {"usual": "1"})
    assert "results--normal" in page(client)


def test_settings_that_make_no_sense_change_nothing(archive: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    known = {"density": "compact", "order": "latest"}
    for sent in ({}, known | {"density": "huge"}, known | {"order": "x"}, known | {"columns": ["x"]}):
        assert client.post(SETTINGS, sent).status_code == 302
    with tenant_scope(archive.id):
        assert get_settings(nora.pk).density == "normal"


def save(client: Client, name: str = "Janes", **values: object):
    return client.post(FILTERS, {"name": name, "words": "jane", "pinned": "on", **values}, follow=True)


def test_a_saved_filter_is_a_tab_that_finds(archive: Tenant, nora: User, bob: User, browser_of) -> None:
    client = browser_of(nora)
    assert "The filter was saved." in save(client).content.decode()
    with tenant_scope(archive.id):
        kept = SavedFilter.objects.get()

    client.post(LIST, {"filter": str(kept.id)})
    shown = page(client)

    assert "Doe, " in shown and "Roe, " not in shown
    assert f'value="{kept.id}" aria-current="true"' in shown
    assert str(kept.id) not in page(browser_of(bob)), "it is her own"
    (event,) = events(archive, Action.FILTER_SAVED)
    assert event.details == {"fields": ["words"], "shared": False}
    assert "jane" not in str(event.details)


def test_only_an_owner_shares_one(archive: Tenant, alice: User, bob: User, nora: User, browser_of) -> None:
    assert save(browser_of(bob), shared="on").status_code == 404
    save(browser_of(alice), "Everyone’s", shared="on")
    shown = page(browser_of(nora))
    assert "Everyone’s" in shown
    with tenant_scope(archive.id):
        kept = SavedFilter.objects.get()
    client = browser_of(nora)
    client.post(LIST, {"filter": str(kept.id)})
    assert "Roe, " not in page(client)
    assert client.post(f"{FILTERS}/{kept.id}/remove").status_code == 404
    assert browser_of(alice).post(f"{FILTERS}/{kept.id}/remove").status_code == 302
    assert "Everyone’s" not in page(client)
    assert [event.details for event in events(archive, Action.FILTER_REMOVED)] == [{"shared": True}]


def test_a_name_is_used_once_and_there_is_an_end_to_them(archive: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    for number in range(20):
        save(client, f"Filter {number}")
    assert "room for" in save(client, "One more").content.decode()
    assert "The filter was saved." in save(client, "Filter 3", words="doe").content.decode()
    with tenant_scope(archive.id):
        assert SavedFilter.objects.count() == 20
        assert SavedFilter.objects.get(name="Filter 3").wanted == {"words": "doe"}


def test_a_filter_needs_a_name_and_something_to_look_for(archive: Tenant, nora: User, browser_of) -> None:
    client = browser_of(nora)
    for sent in ({"name": "", "words": "x"}, {"name": "All"}, {"name": "Bad", "date_from": "soon"}):
        assert "needs a name" in client.post(FILTERS, sent, follow=True).content.decode()
    with tenant_scope(archive.id):
        assert not SavedFilter.objects.exists()


def test_another_practice_and_strangers_reach_nothing(archive: Tenant, southside, nora, carol, browser_of) -> None:
    save(browser_of(nora))
    with tenant_scope(archive.id):
        kept = SavedFilter.objects.get()
    client = browser_of(carol)
    for url in (SETTINGS, FILTERS, f"{FILTERS}/{kept.id}/remove"):
        assert client.post(url, {}).status_code == 404
        assert Client().post(url, {}).status_code == 401
    assert client.post(f"/t/southside/worklist/filters/{kept.id}/remove").status_code == 404
    with tenant_scope(archive.id):
        assert SavedFilter.objects.exists()
