"""What nobody sends in good faith: every answer is a problem, none is a server error."""

import json

import pytest
from django.test import Client

from imaging.views.api.bodies import LARGEST_BODY
from tenants.models import Tenant, User
from tests.cast import actor
from tests.imaging.api_client import ROOT_URL, STUDY, Program, problem, program
from tests.imaging.incoming import instance, take_in

BODIES = {
    "not JSON": (b"{", 400), "half a letter": (b'{"words": "\xc3"}', 400),
    "UTF-16": ('{"words": "x"}'.encode("utf-16"), 400), "NaN": (b'{"limit": NaN}', 400),
    "a huge number": (b'{"limit": 1' + b"0" * 5000 + b"}", 400), "a large number": (b'{"limit": 1e400}', 422),
    "deep": (b"[" * 30_000, 400), "deep object": (b'{"a":' * 10_000, 400), "a list": (b"[]", 422),
    "null": (b"null", 422), "a number": (b"1", 422), "NUL": (b'{"words": "\\u0000"}', 422), 
    "half a pair": (b'{"words": "\\ud800"}', 422),
    "an object for words": (b'{"words": {"a": 1}}', 422), "a negative limit": (b'{"limit": -1}', 422),
    "a wrong date": (b'{"study_date_from": "0000-00-00"}', 422),
    "a far date": (b'{"study_date_to": "99999-01-01"}', 422),
    "a pattern": (b'{"modality": "(CT|MR)*$"}', 422), "too many words": (b'{"words": "' + b"a " * 200 + b'"}', 422),
    "too large": (b'{"words": "' + b"x" * LARGEST_BODY + b'"}', 413),
}  # fmt: skip


@pytest.fixture
def caller(northside: Tenant, alice: User) -> Program:
    return program(alice)


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_a_problem(name: str, caller: Program) -> None:
    body, status = BODIES[name]

    answer = caller.ask("post", "/studies/search", body, content_type="application/json")

    assert problem(answer)[0] == status


@pytest.mark.parametrize("kind", [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x",
])  # fmt: skip
def test_only_json_is_read(kind: str, caller: Program) -> None:
    answer = caller.ask("post", "/studies/search", b"words=a", content_type=kind)
    assert problem(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("accept", ["text/html", "image/png;q=1", "application/xml, text/*"])
def test_only_json_is_written(accept: str, caller: Program) -> None:
    assert problem(caller.ask("get", "/token", headers={"Accept": accept})) == (406, "not_acceptable")


@pytest.mark.parametrize("accept", [
    "*", "a;b;c", "a/b; c*=xyz''d, application/json", ";", ",,,", "\x00", "é", "x/" * 9000,
])  # fmt: skip
def test_a_strange_accept_is_no_server_error(accept: str, caller: Program) -> None:
    assert caller.ask("get", "/token", headers={"Accept": accept}).status_code in (200, 406)


@pytest.mark.parametrize("path", [
    "/studies/1.2.3%00", "/studies/%ff", "/studies/..%2f..", "/studies/" + "1" * 65, "/studies/1..2/shares",
    "/studies/-1", "/shares/x", "/shares/00000000-0000-0000-0000-000000000000", "/uploads/%F0%28%8C%28", "/",
    "/nowhere", "/token/", "/studies/search/x", "/" + "a/" * 2000, "/studies/1.2/history?cursor=%00",
    "/audit?actor=%00",
])  # fmt: skip
def test_a_strange_address_is_no_server_error(path: str, caller: Program) -> None:
    assert problem(caller.ask("get", path))[0] in (400, 404, 405)


@pytest.mark.parametrize("query", [
    "cursor=%00", "cursor=%ed%a0%80", "limit=" + "9" * 5000, "limit=1.5", "limit=%D9%A1", "study_date_from=0001-01-01",
    "study_date_to=9999-12-31", "modality=%5C", "modality=CT%00", "cursor=after-" + "0" * 36, "a=" + "b" * 9000,
    "cursor=1&cursor=2", "=", "%", "&&&&",
])  # fmt: skip
def test_a_strange_query_is_no_server_error(query: str, caller: Program) -> None:
    assert caller.ask("get", f"/studies?{query}").status_code in (200, 400)


@pytest.mark.parametrize("method", ["put", "patch", "options", "trace", "delete"])
def test_a_method_that_is_not_there_names_those_that_are(method: str, caller: Program) -> None:
    answer = caller.ask(method, "/studies")

    assert problem(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD"


def test_a_problem_repeats_nothing_of_the_body(caller: Program) -> None:
    body = json.dumps({"words": "x" * 201, "modality": "Secret^Name"})
    answer = caller.ask("post", "/studies/search", body, content_type="application/json")
    assert (answer.status_code, b"Secret" in answer.content) == (422, False)


def test_head_reads_like_get(caller: Program, northside: Tenant, alice: User) -> None:
    take_in(actor(alice), northside, {"a.dcm": instance(1)})
    answer = caller.ask("head", STUDY)
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_address_below_the_api_tells_a_stranger_nothing(db: None) -> None:
    assert {Client().get(f"{ROOT_URL}{path}").status_code for path in ("/nowhere", "/studies", "/")} == {401}
