"""The trail as CSV."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from audit.actor import Actor, ActorKind
from audit.models import AuditEvent
from audit.services import record
from tenants.models import Tenant, User
from tenants.scoping import find_active_tenant_id, tenant_scope
from tenants.views.csv import safe_cell
from tests.cast import actor, sign_in


@pytest.fixture
def browser(alice: User) -> Client:
    return sign_in(alice)


def export(browser: Client, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(reverse("audit_export", args=["northside"]) + query)
    assert answer.streaming
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def add_event(tenant: Tenant, who: Actor, action: Action = Action.STUDY_VIEWED) -> None:
    with tenant_scope(tenant.id):
        record(action, who, study_instance_uid="1.2.3", details={"images": 3})


def test_every_event_is_a_line_with_its_digest(browser: Client, alice: User, northside: Tenant) -> None:
    add_event(northside, actor(alice))

    (line,) = export(browser)

    with tenant_scope(northside.id):
        digest = bytes(AuditEvent.objects.get(seq=1).digest).hex()
    assert (line["seq"], line["action"], line["actor_label"]) == ("1", "study.viewed", alice.email)
    assert (line["study_instance_uid"], line["details"], line["digest"]) == ("1.2.3", '{"images": 3}', digest)


def test_filters_apply(browser: Client, alice: User, northside: Tenant) -> None:
    add_event(northside, actor(alice))
    add_event(northside, actor(alice), Action.STUDY_DOWNLOADED)

    assert [line["action"] for line in export(browser, "?action=study.downloaded")] == ["study.downloaded"]


def test_the_export_is_recorded_before_it_leaves(browser: Client, northside: Tenant) -> None:
    browser.get(reverse("audit_export", args=["northside"]))

    with tenant_scope(northside.id):
        event = AuditEvent.objects.get()
    assert (event.action, event.details) == ("audit.viewed", {"exported": True, "filters": []})


def test_an_export_longer_than_a_chunk_is_whole(
    browser: Client, alice: User, northside: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.services.trail.EXPORT_CHUNK", 2)
    for _ in range(5):
        add_event(northside, actor(alice))

    assert [line["seq"] for line in export(browser)] == ["5", "4", "3", "2", "1"]


def test_an_abandoned_export_leaves_no_scope_open(browser: Client, alice: User, northside: Tenant) -> None:
    for _ in range(3):
        add_event(northside, actor(alice))
    answer = browser.get(reverse("audit_export", args=["northside"]))

    next(iter(answer.streaming_content))
    next(iter(answer.streaming_content))

    assert find_active_tenant_id() is None


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠", "  =", "\u00a0="]
)
def test_no_cell_is_a_formula(start: str) -> None:
    assert safe_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "alice@northside.example", "1.2.3", "127.0.0.1", '{"a": 1}'])
def test_ordinary_cells_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_a_hostile_browser_name_is_harmless_in_the_export(browser: Client, northside: Tenant) -> None:
    evil = "=cmd|' /C calc'!A0\";DROP,\""
    add_event(northside, Actor(ActorKind.ANONYMOUS, user_agent=evil))

    (line,) = export(browser)

    assert line["user_agent"] == "'" + evil
