"""Making the calls, each in a savepoint that is rolled back, and judging what came back."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import transaction
from django.http.response import HttpResponseBase
from django.test.client import ClientHandler, RequestFactory

from tests.architecture.matrix.policy import OBJECTS, RULES, Rule, is_theirs, key_of, may, reaches
from tests.architecture.matrix.scene import CANARIES, Caller, Scene, address_of, names_thing
from tests.imaging.dicom.hostile import ROOT

# What the test client is built on, without its copies of every template's context.
HANDLER, FACTORY = ClientHandler(enforce_csrf_checks=False), RequestFactory()
# What a change is asked for with, where an empty form would be refused before the change.
BODIES = {
    "member_role": {"role": "viewer"}, "hold_place": {"reason": "A dispute"},
    "webhooks": {"url": "https://hooks.example/", "events": "study.received"},
    "tokens": {"name": "script", "scopes": "read", "days": "7"},
    "protection_acknowledgement": {"regions": "2"}, "retention": {"years": "9", "minor_years": "7", "grace_days": "30"},
    "worklist_marks": {"action": "read", "studies": f"{ROOT}.1"},
    "worklist_filters": {"name": "Mine", "words": "x"},
    "api_study_shares": {"recipient_name": "R", "recipient_email": "r@ortho.example", "days": 7},
}  # fmt: skip
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
PASSED = (200, 299), (304, 304)
# Different for each answer, whatever was asked.
VOLATILE = {"date", "set-cookie", "etag-nonce"}


@dataclass(frozen=True)
class Call:
    """One cell of the matrix."""

    route: str
    name: str
    key: str
    method: str
    caller: Caller
    on: str
    url: str

    @property
    def allowed(self) -> bool:
        """The policy's verdict."""
        return may(
            self.caller.actor, self.key, self.method, self.on, names_thing=names_thing(self.route, self.name),
            names_practice="slug>" in self.route,
        )  # fmt: skip

    @property
    def abroad(self) -> bool:
        """Whether what is asked for lies in a practice that the actor has nothing to do with."""
        return OBJECTS[self.on][0] != self.caller.actor.tenant

    def __str__(self) -> str:
        return f"{self.caller.actor.name} {self.method.upper()} {self.name} [{self.on}]"


@dataclass(frozen=True)
class Answer:
    """What a caller can see of it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def location(self) -> str:
        return dict(self.headers).get("location", "")

    @property
    def lets_in(self) -> bool:
        """Whether something was given or done: any success, or a redirect to anywhere but the login."""
        redirected = self.status in (301, 302, 303, 307, 308) and not self.location.startswith("/login")
        return redirected or any(low <= self.status <= high for low, high in PASSED)

    def fingerprint(self, call: Call, scene: Scene) -> tuple:
        """What could tell one refusal from another: status, headers and length, what was asked for made equal."""
        named = {call.url, *(value for value in scene.values[call.on].values() if len(value) > 3)}
        headers = [(name, _without(value, named)) for name, value in self.headers if name not in VOLATILE]
        return self.status, tuple(sorted(headers)), len(_without(self.body.decode("latin-1"), named))


def plan(routes: list[tuple[str, object]], scene: Scene) -> Iterator[Call]:
    """Every route by every method for every actor on every object; one address is called once."""
    for route, pattern in routes:
        key = key_of(pattern.name, names_thing=names_thing(route, pattern.name))
        urls: dict[str, str] = {}
        for on in OBJECTS:
            urls.setdefault(address_of(scene, route, pattern.name, on), on)
        for method in METHODS:
            objects = _objects_for(method, RULES[key])
            for caller in scene.callers:
                if reaches(caller.actor, key):
                    yield from (
                        Call(route, pattern.name, key, method, caller, on, url)
                        for url, on in urls.items()
                        if on in objects
                    )


def _objects_for(method: str, found: Rule) -> Collection[str]:
    """All of them where one may differ from the next; few where nobody may use the method, or it is GET's shadow."""
    if method not in found.methods:
        return ("own", "other tenant")
    return ("own", "other tenant", "unknown") if method == "head" else OBJECTS


def make(call: Call) -> Answer:
    """Call, read the answer to its end, and undo whatever it did."""
    body, kind = _sent(call) if call.method in ("post", "put", "patch") else (b"", "application/octet-stream")
    request = FACTORY.generic(call.method.upper(), call.url, body, kind, headers=call.caller.headers)
    with transaction.atomic():
        response = HANDLER(request.environ)
        answer = Answer(response.status_code, _headers(response), _body(response))
        transaction.set_rollback(True)
    return answer


def find_faults(calls: list[Call], scene: Scene) -> Iterator[str]:
    """What is wrong, call by call; nothing when the policy holds."""
    turned_away: dict[tuple, dict[tuple, list[Call]]] = {}
    for call in calls:
        answer = make(call)
        yield from _judge(call, answer)
        if not (call.allowed or is_theirs(call.caller.actor, call.on)):
            row = turned_away.setdefault((call.route, call.method, call.caller.actor.name, call.abroad), {})
            row.setdefault(answer.fingerprint(call, scene), []).append(call)
    for fingerprints in turned_away.values():
        if len(fingerprints) > 1:
            yield _tell_apart(fingerprints)


def _judge(call: Call, answer: Answer) -> Iterator[str]:
    if answer.status >= 500:
        yield f"FAILED {call}: {answer.status}"
    if call.allowed:
        if answer.status in (401, 403, 404, 405) and call.method not in RULES[call.key].absent:
            yield f"SHUT OUT {call}: {answer.status}"
    elif answer.lets_in:
        yield f"CROSSED {call}: {answer.status} {answer.location}"
    sees = call.caller.actor.sees
    for owner, canary in CANARIES.items():
        if owner not in sees and canary.lower().encode() in answer.body.lower():
            yield f"LEAKED {call}: {canary}"


def _tell_apart(fingerprints: dict[tuple, list[Call]]) -> str:
    """Which objects can be told from which others, and by what."""
    marks = [set(flat) for flat in map(_flat, fingerprints)]
    common = set.intersection(*marks)
    groups = [
        f"{[each.on for each in calls]} by {sorted(mark - common)}"
        for mark, calls in zip(marks, fingerprints.values(), strict=True)
    ]
    call = next(iter(fingerprints.values()))[0]
    where = "abroad" if call.abroad else "at home"
    return f"TOLD APART {call.caller.actor.name} {call.method.upper()} {call.name} {where}: {'; '.join(groups)}"


def _flat(fingerprint: tuple) -> list[str]:
    status, headers, length = fingerprint
    return [f"status {status}", f"length {length}", *(f"{name}: {value}" for name, value in headers)]


def _sent(call: Call) -> tuple[bytes, str]:
    body = BODIES.get(call.name, {})
    if call.name.startswith("api"):
        return json.dumps(body).encode(), "application/json"
    return urlencode(body).encode(), "application/x-www-form-urlencoded"


def _headers(response: HttpResponseBase) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in response.items())


def _body(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def _without(text: str, named: set[str]) -> str:
    for value in sorted(named, key=len, reverse=True):
        text = text.replace(value, "•")
    return text
