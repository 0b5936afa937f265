"""The owner's page of webhooks: who may, what it shows, what the trail keeps."""

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.models import Webhook
from imaging.services import webhooks
from imaging.services.webhook_messages import secret_of
from tenants.baas.models import Agreement
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor, sign_in
from tests.imaging.sharing import history
from tests.imaging.webhook_receiver import Receiver, add, deliver, receiver, rows  # noqa: F401  fixture

PAGE = "/t/northside/connections/webhooks/"
URL = "https://hooks.example/in"
ACTS = ["secret", "test", "disable", "enable", "remove"]


@pytest.fixture
def webhook(northside: Tenant, alice: User) -> Webhook:
    return add(northside, alice, URL, "study.received")


def post(client: Client, url: str = URL, *events: str):
    return client.post(PAGE, {"url": url, "events": list(events or ["study.received"])})


def test_an_owner_adds_one_and_sees_its_secret(northside: Tenant, alice: User) -> None:
    answer = post(sign_in(alice), URL, "study.received", "share.opened")

    with tenant_scope(northside.id):
        webhook = Webhook.objects.get()
    assert answer.status_code == 200
    assert secret_of(webhook.id) in answer.content.decode()
    assert webhook.events == ["share.opened", "study.received"]
    assert history(northside, webhook.id) == [(Action.WEBHOOK_ADDED, alice.email)]


def test_the_list_and_the_page_show_it_without_its_secret(webhook: Webhook, alice: User) -> None:
    browser = sign_in(alice)

    pages = [browser.get(url).content.decode() for url in (PAGE, f"{PAGE}{webhook.id}/")]

    for page in pages:
        assert URL in page
        assert "whsec_" not in page


def test_the_secret_is_shown_when_asked_for(webhook: Webhook, alice: User) -> None:
    answer = sign_in(alice).post(f"{PAGE}{webhook.id}/secret")

    assert secret_of(webhook.id) in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example/", "must begin with https"),
        ("https://127.0.0.1/", "full name of a server"),
        ("https://a:b@hooks.example/", "user name or password"),
        ("https://hooks.example:22/", "port must be"),
        ("nonsense", "must begin with https"),
    ],
)
def test_an_address_that_we_would_not_call_is_refused_with_the_reason(
    url: str, reason: str, northside: Tenant, alice: User
) -> None:
    answer = post(sign_in(alice), url)

    assert reason in answer.content.decode()
    with tenant_scope(northside.id):
        assert not Webhook.objects.exists()


def test_one_without_an_event_or_with_an_unknown_one_is_refused(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)

    answers = [browser.post(PAGE, {"url": URL}), post(browser, URL, "study.stolen")]

    assert [answer.status_code for answer in answers] == [200, 200]
    with tenant_scope(northside.id):
        assert not Webhook.objects.exists()


def test_there_is_a_most(northside: Tenant, alice: User) -> None:
    browser = sign_in(alice)
    for number in range(webhooks.MOST_WEBHOOKS):
        post(browser, f"{URL}/{number}")

    answer = post(browser)

    assert "at most 10" in answer.content.decode()
    with tenant_scope(northside.id):
        assert Webhook.objects.count() == webhooks.MOST_WEBHOOKS


def test_disabling_enabling_and_removing_are_in_the_trail(northside: Tenant, webhook: Webhook, alice: User) -> None:
    browser, page = sign_in(alice), f"{PAGE}{webhook.id}/"
    states = []
    for act in ("disable", "enable", "disable"):
        states.append(browser.post(f"{page}{act}", follow=True).content.decode())
    browser.post(f"{page}remove")

    assert ["Disabled</span>" in state for state in states] == [True, False, True]
    assert [action for action, _ in history(northside, webhook.id)] == [
        Action.WEBHOOK_ADDED, Action.WEBHOOK_DISABLED, Action.WEBHOOK_ADDED, Action.WEBHOOK_DISABLED,
        Action.WEBHOOK_DISABLED,
    ]  # fmt: skip
    assert browser.get(page).status_code == 404


def test_the_page_says_that_we_gave_up(northside: Tenant, webhook: Webhook, alice: User) -> None:
    with tenant_scope(northside.id):
        webhooks.disable_failing(webhook.id, timezone.now())

    page = sign_in(alice).get(f"{PAGE}{webhook.id}/").content.decode()

    assert "We gave up on this address" in page


def test_a_test_message_and_how_it_went_are_shown(receiver: Receiver, northside: Tenant, alice: User) -> None:
    webhook, browser = add(northside, alice, receiver.url), sign_in(alice)
    receiver.answers = [410]
    browser.post(f"{PAGE}{webhook.id}/test")

    deliver(northside)

    page = browser.get(f"{PAGE}{webhook.id}/").content.decode()
    assert re.search(r"Test message.*Trying again.*HTTP 410.*Answered with an error", page, re.DOTALL)


def test_without_an_agreement_nothing_is_asked_for_and_the_page_says_why(
    northside: Tenant, webhook: Webhook, alice: User
) -> None:
    Agreement.objects.update(status="terminated")
    browser = sign_in(alice)

    answer = browser.post(f"{PAGE}{webhook.id}/test", follow=True)

    assert "Nothing is sent at the moment" in answer.content.decode()
    assert rows(northside) == []


def test_a_test_to_a_disabled_one_is_refused(northside: Tenant, webhook: Webhook, alice: User) -> None:
    browser = sign_in(alice)
    browser.post(f"{PAGE}{webhook.id}/disable")

    answer = browser.post(f"{PAGE}{webhook.id}/test", follow=True)

    assert "Enable it first" in answer.content.decode()
    assert rows(northside) == []


@pytest.mark.parametrize("who", ["bob", "nora", "carol", "vera", "eve"])
def test_nobody_but_an_owner_gets_there(who: str, webhook: Webhook, request: pytest.FixtureRequest) -> None:
    browser = sign_in(request.getfixturevalue(who))
    page = f"{PAGE}{webhook.id}/"

    answers = [browser.get(PAGE), browser.get(page), browser.post(PAGE, {"url": URL, "events": ["study.received"]})]
    answers += [browser.post(f"{page}{act}") for act in ACTS]

    assert {answer.status_code for answer in answers} == {404}


def test_an_anonymous_caller_is_sent_to_the_login(webhook: Webhook) -> None:
    answers = [Client().get(PAGE), Client().post(f"{PAGE}{webhook.id}/remove")]

    assert [answer.status_code for answer in answers] == [302, 401]


@pytest.mark.parametrize("act", ["", *ACTS])
def test_another_tenants_webhook_is_the_same_as_none(act: str, webhook: Webhook, carol: User) -> None:
    browser, page = sign_in(carol), "/t/southside/connections/webhooks/"
    method = browser.post if act else browser.get

    answers = [method(f"{page}{webhook_id}/{act}") for webhook_id in (webhook.id, uuid.uuid4())]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_the_service_lets_no_one_but_an_owner_decide(northside: Tenant, webhook: Webhook, bob: User) -> None:
    now, who = timezone.now(), actor(bob)
    calls = [
        lambda: webhooks.show_webhooks(who),
        lambda: webhooks.show_webhook(who, webhook.id),
        lambda: webhooks.add_webhook(who, URL, ["study.received"], now),
        lambda: webhooks.disable_webhook(who, webhook.id, now),
        lambda: webhooks.enable_webhook(who, webhook.id, now),
        lambda: webhooks.remove_webhook(who, webhook.id, now),
        lambda: webhooks.send_test(who, webhook.id, now),
        lambda: webhooks.reveal_secret(who, webhook.id),
    ]
    for call in calls:
        with pytest.raises(StudyNotFound), tenant_scope(northside.id):
            call()
