"""What a practice's own systems are told: signed, at least once, of the right things, while there is an agreement."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from imaging.models import Event, Study, Webhook
from imaging.pipeline import SETTLE_SECONDS
from imaging.services import steps
from imaging.services.webhook_messages import secret_of
from imaging.services.webhook_outbox import announce_study
from imaging.services.webhooks import disable_webhook, enable_webhook, send_test
from tenants.baas.models import Agreement
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.guests import cheap_codes  # noqa: F401  fixture
from tests.imaging.regions import nodes  # noqa: F401  fixture
from tests.imaging.sharing import redeem, send_link
from tests.imaging.webhook_receiver import (  # noqa: F401  fixture
    SOON,
    Receiver,
    add,
    bring_in,
    deliver,
    receiver,
    rows,
    settle,
)

UID = f"{ROOT}.1"
PHI = ("Doe", "Jane", "1970", "@", "Rita", "bob", "alice")


def events(tenant: Tenant) -> list[str]:
    return [row.event for row in rows(tenant)]


def test_a_settled_study_is_told_once_and_the_receivers_library_verifies_it(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1, 2, 3)
    bring_in(northside, bob, 4, series=2)

    settle(northside)
    settle(northside)
    taken = deliver(northside, after=SOON)

    assert taken == 1
    (message,) = receiver.verified(webhook)
    assert message["type"] == "study.received"
    assert message["data"] == {
        "tenant": "northside", "study_instance_uid": UID, "instances": 4,
        "url": f"http://127.0.0.1:8000/t/northside/dicomweb/studies/{UID}",
    }  # fmt: skip
    assert [row.last_status for row in rows(northside)] == [204]


def test_no_message_names_anyone(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, receiver.url)
    bring_in(northside, bob, 1)
    redeem(send_link(northside, bob, UID))
    settle(northside)

    deliver(northside, after=SOON)

    said = b"".join(body for _, body in receiver.requests).decode() + json.dumps([h for h, _ in receiver.requests])
    assert len(receiver.requests) == 2
    assert not [word for word in PHI if word in said]


def test_a_study_is_not_told_while_it_is_still_coming_in(northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, "https://hooks.example/a")
    bring_in(northside, bob, 1)
    with tenant_scope(northside.id):
        series_id = Study.objects.get().series.get().id
    soon = timezone.now() + timedelta(seconds=SETTLE_SECONDS - 2)

    announce_study(northside.id, series_id, soon)

    assert events(northside) == []


def test_what_comes_later_is_told_again(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    settle(northside)
    bring_in(northside, bob, 2)
    settle(northside)

    deliver(northside, after=SOON)

    assert [json.loads(body)["data"]["instances"] for _, body in receiver.requests] == [1, 2]
    assert len(set(receiver.ids)) == 2


def test_what_was_there_before_the_webhook_is_not_told(northside: Tenant, alice: User, bob: User) -> None:
    bring_in(northside, bob, 1)
    webhook = add(northside, alice, "https://hooks.example/a")
    with tenant_scope(northside.id):
        Webhook.objects.filter(id=webhook.id).update(created_at=timezone.now())

    settle(northside)

    assert events(northside) == []


def test_a_study_that_is_packed_anew_long_after_is_not_told(northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, "https://hooks.example/a")
    bring_in(northside, bob, 1)
    long_ago = timezone.now() - timedelta(days=8)
    with tenant_scope(northside.id):
        Webhook.objects.update(created_at=long_ago - timedelta(days=1))
        Study.objects.update(last_received_at=long_ago)

    settle(northside)

    assert events(northside) == []


def test_the_row_is_there_though_the_packing_fails_and_is_not_doubled_by_its_repetition(
    northside: Tenant, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(northside, alice, "https://hooks.example/a", Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    with monkeypatch.context() as broken:
        broken.setattr("imaging.services.packing.write_series_manifest", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            settle(northside)

    assert events(northside) == ["study.received"]
    settle(northside)
    assert events(northside) == ["study.received"]


def test_mirrored_is_told_once_everything_is_in_both_regions(
    receiver: Receiver, nodes: dict, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_MIRRORED)
    bring_in(northside, bob, 1, 2)
    bring_in(northside, bob, 3, series=2)
    settle(northside)
    with tenant_scope(northside.id):
        first, second = Study.objects.get().series.values_list("id", flat=True)

    steps.mirror(northside.id, first)
    assert deliver(northside, after=SOON) == 0
    steps.mirror(northside.id, second)
    taken = deliver(northside, after=SOON)

    assert taken == 1
    (message,) = receiver.verified(webhook)
    assert (message["type"], message["data"]["instances"]) == ("study.mirrored", 3)


def test_mirrored_waits_for_days_without_being_given_up(
    receiver: Receiver, nodes: dict, northside: Tenant, alice: User, bob: User
) -> None:
    add(northside, alice, receiver.url, Event.STUDY_MIRRORED)
    bring_in(northside, bob, 1)
    settle(northside)
    receiver.answers = [500]
    for days in range(6):
        assert deliver(northside, after=timedelta(days=days, minutes=2)) == 0
    with tenant_scope(northside.id):
        steps.mirror(northside.id, Study.objects.get().series.get().id)

    deliver(northside, after=timedelta(days=6))
    (row,) = rows(northside)

    assert (row.tries, row.last_status, row.last_error) == (1, 500, "refused")
    assert row.next_try_at is not None


def test_an_opened_link_is_told_when_it_is_redeemed_and_not_before(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.SHARE_OPENED)
    bring_in(northside, bob, 1)
    link = send_link(northside, bob, UID)
    Client().get(link.path)
    Client().post(link.path, {"code": link.wrong_code})
    assert events(northside) == []

    redeem(link)
    deliver(northside)

    (message,) = receiver.verified(webhook)
    assert message["type"] == "share.opened"
    assert message["data"]["share"] == str(link.id)


def test_nothing_leaves_without_an_agreement_in_force_and_it_leaves_when_there_is_one(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    settle(northside)
    Agreement.objects.update(status="terminated")

    shut = deliver(northside, after=SOON)
    called = len(receiver.requests)
    Agreement.objects.update(status="executed")
    opened = deliver(northside, after=SOON)

    assert (shut, called, opened) == (0, 0, 1)


def test_each_tenants_webhooks_are_told_only_of_its_own(
    receiver: Receiver, northside: Tenant, southside: Tenant, alice: User, bob: User, carol: User
) -> None:
    add(northside, alice, receiver.url)
    add(southside, carol, receiver.url)
    bring_in(northside, bob, 1)
    settle(northside)

    deliver(northside, southside, after=SOON)

    assert [json.loads(body)["data"]["tenant"] for _, body in receiver.requests] == ["northside"]
    assert rows(southside) == []


def test_a_purged_study_is_not_told_any_more(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    settle(northside)
    with tenant_scope(northside.id):
        Study.objects.get().delete()

    deliver(northside, after=SOON)

    assert receiver.requests == []
    assert rows(northside) == []


def test_a_disabled_webhook_is_told_nothing_and_an_enabled_one_nothing_of_the_past(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    settle(northside)
    with tenant_scope(northside.id):
        disable_webhook(actor(alice), webhook.id, timezone.now())
    bring_in(northside, bob, 2)
    settle(northside)
    deliver(northside, after=SOON)
    with tenant_scope(northside.id):
        enable_webhook(actor(alice), webhook.id, timezone.now())

    deliver(northside, after=SOON)

    assert receiver.requests == []


def test_a_test_message_tells_of_nothing(receiver: Receiver, northside: Tenant, alice: User) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    with tenant_scope(northside.id):
        send_test(actor(alice), webhook.id, timezone.now())

    deliver(northside)

    (message,) = receiver.verified(webhook)
    assert (message["type"], message["data"]) == ("webhook.test", {"tenant": "northside"})


def test_each_webhook_has_a_secret_of_its_own_that_changes_with_the_portals_and_stands_in_no_row(
    northside: Tenant, alice: User, settings: object
) -> None:
    first = add(northside, alice, "https://hooks.example/a")
    second = add(northside, alice, "https://hooks.example/b")
    secret = secret_of(first.id)

    assert secret.startswith("whsec_")
    assert secret == secret_of(first.id)
    assert secret != secret_of(second.id)
    with tenant_scope(northside.id):
        assert secret.removeprefix("whsec_") not in str(Webhook.objects.values().get(id=first.id))
    settings.SECRET_KEY = "another"
    assert secret != secret_of(first.id)
