"""How messages are sent: again after a failure, at least once, and never held up by a receiver that hangs."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.actions import Action
from imaging.models import Event, WebhookDelivery
from imaging.services import webhook_deliveries
from imaging.services.webhook_deliveries import Lane, claim_next, note, remove_old
from imaging.services.webhooks import send_test
from imaging.tasks import deliver_webhooks
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor
from tests.imaging.sharing import history
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


def test_a_refused_message_goes_out_again_under_the_same_id_with_a_fresh_signature(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers = [500, 503]
    bring_in(northside, bob, 1)
    settle(northside)

    first = deliver(northside, after=SOON)
    too_soon = deliver(northside, after=SOON + timedelta(seconds=9))
    second = deliver(northside, after=SOON + timedelta(seconds=11))
    third = deliver(northside, after=SOON + timedelta(seconds=60))

    assert (first, too_soon, second, third) == (0, 0, 0, 1)
    assert len(receiver.requests) == 3
    assert len(set(receiver.ids)) == 1
    assert len({body for _, body in receiver.requests}) == 1


def test_a_message_is_given_up_after_three_days(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers = [500] * 99
    bring_in(northside, bob, 1)
    settle(northside)

    for hour in range(1, 24 * 4):
        deliver(northside, after=timedelta(hours=hour))

    (row,) = rows(northside)
    assert row.next_try_at is None
    assert row.delivered_at is None
    assert 10 < row.tries < 20


def test_a_worker_killed_after_the_claim_sends_again_under_the_same_id(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    now = settle(northside)
    killed = claim_next(Lane(northside.id, webhook.id), now)
    assert killed is not None
    webhook_deliveries.post(killed.url, killed.body, killed.headers, local=True)  # sent, and never noted

    during_the_lease = deliver(northside, after=timedelta(seconds=100))
    afterwards = deliver(northside, after=SOON * 2)

    assert (during_the_lease, afterwards) == (0, 1)
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_a_try_that_is_noted_late_changes_nothing_that_was_taken(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    late = claim_next(Lane(northside.id, webhook.id), settle(northside))
    deliver(northside, after=SOON * 2)

    note(late, None, "timeout", timezone.now())

    (row,) = rows(northside)
    assert row.delivered_at is not None
    assert (row.last_status, row.last_error) == (204, "")


def test_a_receiver_that_does_not_answer_is_left_alone(
    receiver: Receiver, northside: Tenant, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imaging.adapters.webhook.READ_SECONDS", 0.2)
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.seconds = 1
    bring_in(northside, bob, 1)
    settle(northside)

    deliver(northside, after=SOON)

    (row,) = rows(northside)
    assert (row.tries, row.last_status, row.last_error) == (1, None, "timeout")


def test_one_that_hangs_holds_up_neither_its_tenants_others_nor_other_tenants(
    receiver: Receiver, northside: Tenant, southside: Tenant, alice: User, bob: User, carol: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    add(northside, alice, "http://127.0.0.1:9/dead", Event.STUDY_RECEIVED)
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    add(southside, carol, receiver.url, Event.STUDY_RECEIVED)
    landed: list[str] = []
    others_through = threading.Event()

    def post(url: str, *_: object, **__: object) -> int:
        if url.endswith("/dead"):
            others_through.wait(10)
        landed.append(url)
        if landed.count(receiver.url) == 10:
            others_through.set()
        return 204

    monkeypatch.setattr(webhook_deliveries, "post", post)
    for number in range(1, 6):
        bring_in(northside, bob, number)
        bring_in(southside, carol, number)
        settle(northside)
        settle(southside)

    deliver(northside, southside, after=SOON)

    # By the time the one that hangs answered for the first time, all the others' messages were through.
    assert landed[:10] == [receiver.url] * 10
    assert len(landed) == 15


def test_while_one_message_waits_to_be_tried_again_the_others_wait_behind_it(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers = [500]
    for number in (1, 2, 3):
        bring_in(northside, bob, number)
        settle(northside)

    deliver(northside, after=SOON)
    while_it_rests = deliver(northside, after=SOON + timedelta(seconds=5))
    afterwards = deliver(northside, after=SOON + timedelta(seconds=15))

    assert (while_it_rests, afterwards) == (0, 3)
    assert len(receiver.requests) == 4


def test_five_days_of_nothing_but_failures_disable_it_and_the_trail_says_who(
    receiver: Receiver, northside: Tenant, alice: User, bob: User
) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers = [500] * 999
    bring_in(northside, bob, 1)
    settle(northside)
    for hour in range(1, 24 * 3):
        deliver(northside, after=timedelta(hours=hour))
    with tenant_scope(northside.id):
        WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=4))
    bring_in(northside, bob, 2)
    settle(northside)

    for hour in range(1, 24 * 4):
        deliver(northside, after=timedelta(hours=hour))

    with tenant_scope(northside.id):
        webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert (Action.WEBHOOK_DISABLED.value, "Collimate") in history(northside, webhook.id)


def test_one_success_keeps_it_enabled(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers = [500] * 6 + [204] + [500] * 999
    for number in (1, 2):
        bring_in(northside, bob, number)
        settle(northside)
    for hour in range(1, 24 * 4, 3):
        deliver(northside, after=timedelta(hours=hour))

    with tenant_scope(northside.id):
        webhook.refresh_from_db()
    assert webhook.disabled_at is None


def test_a_redirect_is_not_followed(receiver: Receiver, northside: Tenant, alice: User) -> None:
    webhook = add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    receiver.answers, receiver.headers = [307], {"Location": receiver.url}
    with tenant_scope(northside.id):
        send_test(actor(alice), webhook.id, timezone.now())

    taken = deliver(northside)

    assert (taken, len(receiver.requests)) == (0, 1)
    assert rows(northside)[0].last_status == 307


def test_old_messages_are_forgotten(receiver: Receiver, northside: Tenant, alice: User, bob: User) -> None:
    add(northside, alice, receiver.url, Event.STUDY_RECEIVED)
    bring_in(northside, bob, 1)
    settle(northside)

    kept = remove_old(northside.id, timezone.now() + timedelta(days=29))
    gone = remove_old(northside.id, timezone.now() + timedelta(days=31))

    assert (kept, gone) == (0, 1)


@pytest.mark.parametrize("whose", ["one tenant's", "everyone's"])
def test_the_task_delivers_and_the_event_asks_for_it_on_commit(
    whose: str, receiver: Receiver, northside: Tenant, alice: User, monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: object,
) -> None:  # fmt: skip
    asked: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("imaging.pipeline._send_task", lambda name, arguments, **_: asked.append((name, arguments)))
    webhook = add(northside, alice, receiver.url)
    with django_capture_on_commit_callbacks(execute=True), tenant_scope(northside.id):
        send_test(actor(alice), webhook.id, timezone.now())

    deliver_webhooks(*(asked[0][1] if whose == "one tenant's" else ()))

    assert asked == [("deliver_webhooks", [str(northside.id)])]
    assert len(receiver.requests) == 1
