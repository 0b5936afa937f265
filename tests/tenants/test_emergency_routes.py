"""Read-only means every route: the resolver's own list, by every unsafe method, and every stranger."""

import re
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from tenants.emergency import FOR_ANYONE, READ_ONLY, mark_opened
from tenants.models import Tenant, User
from tests.architecture.test_guards import ROUTES
from tests.cast import sign_in
from tests.tenants.steps import actions_of

UNSAFE = ["post", "put", "patch", "delete", "trace"]
LISTED = {("emergency", "post"), ("logout", "post"), ("worklist", "post"), ("worklist_rows", "post")}
VALUES = {"slug": "northside", "uid": "1.2.3", "uuid": str(UUID(int=7)), "int": "1", "str": "1", "path": "a/b"}


@pytest.fixture(autouse=True)
def _emergency(settings: object) -> None:
    settings.EMERGENCY = True


@pytest.fixture
def browser(alice: User) -> Client:
    """An owner, who may do everything, with emergency access."""
    return open_for(alice)


def open_for(user: User) -> Client:
    client = sign_in(user)
    session = client.session
    request = type("Request", (), {"session": session})
    mark_opened(request)
    session.save()
    return client


def url_of(route: str) -> str:
    named = re.sub(r"<(\w+):[^>]+>", lambda match: VALUES[match.group(1)], route)
    return "/" + re.sub(r"<[^>]+>", "1", named)


@pytest.mark.parametrize("method", UNSAFE)
def test_every_route_but_the_listed_ones_refuses_what_changes(browser: Client, method: str) -> None:
    let_through = [
        (pattern.name, answer.status_code)
        for route, pattern in ROUTES
        if (pattern.name, method) not in LISTED
        if (answer := getattr(browser, method)(url_of(route))).status_code != 503
    ]

    assert len(ROUTES) > 50
    assert let_through == []


def test_the_listed_ones_are_let_through(browser: Client) -> None:
    answers = {name: browser.post(url_of(route)).status_code for route, name in named(LISTED)}

    assert 503 not in answers.values()
    assert set(answers) == {"emergency", "logout", "worklist", "worklist_rows"}


def named(listed: set[tuple[str, str]]) -> list[tuple[str, str]]:
    names = {name for name, _ in listed}
    found = [(route, pattern.name) for route, pattern in ROUTES if pattern.name in names]
    return sorted(found, key=lambda pair: pair[1] == "logout")


def test_no_view_is_reached_by_what_is_refused(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = []
    monkeypatch.setattr("tenants.decorators.find_sign_in_step", lambda request: reached.append(request.path))

    for route, _ in ROUTES:
        browser.delete(url_of(route))

    assert reached == []


@pytest.mark.parametrize(
    "path",
    ["/t/northside/dicomweb/studies", "/t/northside/uploads/", f"/t/northside/uploads/{UUID(int=7)}/", "/api/v1/x"],
)
def test_programs_get_a_text_they_can_read(browser: Client, path: str) -> None:
    answer = browser.post(path)

    assert (answer.status_code, answer.json()) == (503, {"reason": READ_ONLY})


def test_people_get_a_page_that_says_what_to_do(browser: Client) -> None:
    page = browser.post(reverse("change_password")).content.decode()

    assert "Nothing can be changed here" in page
    assert reverse("emergency") in page


@pytest.mark.parametrize("who", ["anonymous", "carol", "eve", "unopened"])
def test_strangers_get_the_sign_in_or_404_on_every_route(
    request: pytest.FixtureRequest, northside: Tenant, alice: User, who: str
) -> None:
    if who == "anonymous":
        client = Client()
    elif who == "unopened":
        client = sign_in(alice)
    else:
        client = open_for(request.getfixturevalue(who))
    let_in = [
        (pattern.name, answer.status_code)
        for route, pattern in ROUTES
        if route.startswith("t/") and not is_turned_away(answer := client.get(url_of(route)))
    ]

    assert let_in == []


def is_turned_away(answer: object) -> bool:
    if answer.status_code in (401, 404, 405):
        return True
    return answer.status_code == 302 and answer["Location"].startswith(reverse("emergency"))


def test_without_access_only_the_public_pages_answer(client: Client, db: None) -> None:
    answered = {
        pattern.name
        for route, pattern in ROUTES
        if (answer := client.get(url_of(route))).status_code not in (401,) and not is_turned_away(answer)
    }

    assert answered <= FOR_ANYONE


def test_a_bearer_token_opens_nothing(browser: Client, northside: Tenant) -> None:
    answer = browser.get("/t/northside/dicomweb/studies", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401
    assert "reason" in answer.json()
    assert actions_of(northside.id) == []


def test_a_script_is_told_not_redirected(client: Client, db: None) -> None:
    answer = client.get("/t/northside/studies/1.2/state", headers={"Sec-Fetch-Mode": "cors"})

    assert answer.status_code == 401
    assert "reason" in answer.json()
