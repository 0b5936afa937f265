"""The audit page: filters, paging, the check of the chain."""

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action, Outcome
from audit.models import AuditEvent
from audit.services import record
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in

UID = "1.2.826.0.1.3680043.8.498.1"


def add_events(tenant: Tenant, user: User, count: int, **fields: object) -> None:
    with tenant_scope(tenant.id):
        for _ in range(count):
            record(
                fields.get("action", Action.STUDY_VIEWED),
                actor(user),
                **{k: v for k, v in fields.items() if k != "action"},
            )


@pytest.fixture
def browser(alice: User) -> Client:
    return sign_in(alice)


def page_of(browser: Client, query: str = "") -> object:
    return browser.get(reverse("audit", args=["northside"]) + query)


def seqs(answer: object) -> list[int]:
    return [row.seq for row in answer.context["page"].rows]


def test_events_are_shown_newest_first(browser: Client, alice: User, northside: Tenant) -> None:
    add_events(northside, alice, 3)

    assert seqs(page_of(browser)) == [3, 2, 1]


def test_looking_is_itself_recorded(browser: Client, northside: Tenant) -> None:
    page_of(browser, "?actor=bob")

    with tenant_scope(northside.id):
        event = AuditEvent.objects.get()
    assert (event.action, event.details) == ("audit.viewed", {"events": 0, "filters": ["actor"]})


def test_another_practices_events_are_not_shown(browser: Client, carol: User, southside: Tenant) -> None:
    add_events(southside, carol, 2)

    assert seqs(page_of(browser)) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?action=study.viewed", [1]),
        ("?actor=BOB", [2]),
        ("?outcome=denied", [3]),
        ("?action=study.viewed&outcome=denied", []),
        ("?action=nonsense", [3, 2, 1]),
        ("?since=notadate", [3, 2, 1]),
    ],
)
def test_filters_narrow_and_nonsense_is_left_out(
    browser: Client, alice: User, bob: User, northside: Tenant, query: str, expected: list[int]
) -> None:
    add_events(northside, alice, 1)
    add_events(northside, bob, 1, action=Action.STUDY_DOWNLOADED)
    add_events(northside, alice, 1, action=Action.ACCESS_DENIED, outcome=Outcome.DENIED)

    assert seqs(page_of(browser, query)) == expected


def test_dates_are_days_of_the_practices_own_zone(browser: Client, alice: User, northside: Tenant) -> None:
    late_evening_in_new_york = dt.datetime(2026, 3, 2, 3, 30, tzinfo=dt.UTC)
    add_events(northside, alice, 1, now=late_evening_in_new_york)

    assert seqs(page_of(browser, "?since=2026-03-01&until=2026-03-01")) == [1]
    assert 1 not in seqs(page_of(browser, "?since=2026-03-02&until=2026-03-02"))


def test_one_studys_events_are_asked_for_by_post_and_kept_out_of_the_address(
    browser: Client, alice: User, northside: Tenant
) -> None:
    add_events(northside, alice, 1, study_instance_uid=UID)
    add_events(northside, alice, 1, study_instance_uid=UID + "1")

    answer = browser.post(reverse("audit_study", args=["northside"]), {"study_instance_uid": UID})

    assert answer.url == reverse("audit", args=["northside"])
    assert seqs(page_of(browser)) == [1]
    browser.post(reverse("audit_study", args=["northside"]), {"study_instance_uid": ""})
    assert seqs(page_of(browser))[-2:] == [2, 1]


def test_a_malformed_uid_changes_nothing(browser: Client, alice: User, northside: Tenant) -> None:
    add_events(northside, alice, 1)

    browser.post(reverse("audit_study", args=["northside"]), {"study_instance_uid": "1.2'; --"})

    assert seqs(page_of(browser)) == [1]


def test_pages_follow_each_other_without_gap_or_overlap(browser: Client, alice: User, northside: Tenant) -> None:
    add_events(northside, alice, 120)

    first = page_of(browser, "?action=study.viewed")
    second = page_of(browser, first.context["older_url"])
    third = page_of(browser, second.context["older_url"])

    assert seqs(first) + seqs(second) + seqs(third) == list(range(120, 0, -1))
    assert not first.context["newer_url"]
    assert not third.context["older_url"]
    assert seqs(page_of(browser, third.context["newer_url"])) == seqs(second)
    assert seqs(page_of(browser, second.context["newer_url"])) == seqs(first)


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?after=99999999999999999999", "?before=²"])
def test_a_malformed_place_shows_the_newest(browser: Client, alice: User, northside: Tenant, query: str) -> None:
    add_events(northside, alice, 1)

    assert 1 in seqs(page_of(browser, query))


def test_the_check_says_that_the_chain_is_unbroken(browser: Client, alice: User, northside: Tenant) -> None:
    add_events(northside, alice, 4)

    browser.post(reverse("audit_check", args=["northside"]))

    page = page_of(browser).content.decode()
    assert "Chain unbroken" in page
    assert "4 events" in page


def test_the_check_names_the_first_altered_event(
    browser: Client, alice: User, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_events(northside, alice, 3)
    content = AuditEvent.content

    def altered(event: AuditEvent) -> dict[str, object]:
        return content(event) | ({"actor_label": "mallory"} if event.seq == 2 else {})

    monkeypatch.setattr(AuditEvent, "content", altered)
    browser.post(reverse("audit_check", args=["northside"]))

    assert "broken at event 2.</strong> The event was altered." in page_of(browser).content.decode()


def test_a_check_of_one_practice_is_not_shown_in_another(browser: Client, alice: User, southside: Tenant) -> None:
    from tenants.models import Membership, Role

    Membership.objects.create(user=alice, tenant=southside, role=Role.OWNER)
    browser.post(reverse("audit_check", args=["northside"]))

    assert "Chain unbroken" not in browser.get(reverse("audit", args=["southside"])).content.decode()


def test_a_page_costs_the_page_not_the_trail(browser: Client, alice: User, northside: Tenant) -> None:
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(browser)
        return len(captured)

    add_events(northside, alice, 2)
    queries()  # the first visit also writes the session
    few = queries()
    add_events(northside, alice, 100)

    assert queries() == few


URLS = [("get", "audit"), ("post", "audit_study"), ("post", "audit_check"), ("get", "audit_export")]


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "eve", "vera"])
@pytest.mark.parametrize(("method", "name"), URLS)
def test_nobody_but_an_owner_of_the_practice_reads_its_trail(
    request: pytest.FixtureRequest, northside: Tenant, who: str, method: str, name: str
) -> None:
    browser = sign_in(request.getfixturevalue(who))

    assert getattr(browser, method)(reverse(name, args=["northside"])).status_code == 404
    with tenant_scope(northside.id):
        assert AuditEvent.objects.get().action == "access.denied"


@pytest.mark.parametrize(("method", "name"), URLS)
def test_strangers_and_the_unverified_are_turned_away(
    client: Client, alice: User, northside: Tenant, method: str, name: str
) -> None:
    url = reverse(name, args=["northside"])

    assert getattr(client, method)(url).status_code == (302 if method == "get" else 401)
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert getattr(client, method)(url).url == reverse("second_factor")


def test_an_unknown_practice_is_the_same_404(browser: Client) -> None:
    assert browser.get(reverse("audit", args=["nowhere"])).status_code == 404


def test_markup_in_an_event_is_shown_as_text(browser: Client, alice: User, northside: Tenant) -> None:
    alice.email = "<img src=x>@northside.example"
    add_events(northside, alice, 1, now=timezone.now())

    assert "<img src=x>" not in page_of(browser).content.decode()
