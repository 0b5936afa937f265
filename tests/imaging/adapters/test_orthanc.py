"""The adapter against a scripted server: what it makes of answers a healthy Orthanc does not give."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imaging.adapters.orthanc import (
    InstanceMissing,
    InstanceUnreadable,
    NodeRefused,
    NodeUnauthorised,
    NodeUnavailable,
    OrthancNode,
)
from imaging.adapters.stow import LengthMismatch, StowBody

ORTHANC_ID = "f689ddd2-662f8fe1-8b18180d-ec2a2cee-937917af"
FOUND = json.dumps([{"ID": ORTHANC_ID, "Path": "/", "Type": "Instance"}]).encode()
STORED = {"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]}}
FAILED = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0x0110]}}]}}


class ScriptedNode:
    """Answers each path with (status, headers, body); `asked` holds the request lines, `seen` the headers."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.seen: list[dict[str, str]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _request_class(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, path: str, status: int, body: bytes | dict = b"", **headers: str) -> None:
        self.answers[path] = (status, headers, json.dumps(body).encode() if isinstance(body, dict) else body)


def _request_class(script: ScriptedNode) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        def answer(self) -> None:
            script.asked.append(f"{self.command} {self.path}")
            script.seen.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = script.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in ({"Content_Length": str(len(body))} | headers).items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_args: object) -> None:
            pass

    return Request


@pytest.fixture
def script() -> Iterator[ScriptedNode]:
    scripted = ScriptedNode()
    thread = threading.Thread(target=scripted.server.serve_forever, args=(0.02,))
    thread.start()
    yield scripted
    scripted.server.shutdown()
    thread.join()
    scripted.server.server_close()


@pytest.fixture
def node(script) -> OrthancNode:
    return OrthancNode(script.url, "user", "password", timeout=(1, 1))


def store(node: OrthancNode) -> None:
    node.store_instance([b"12345"], 5)


CALLS: dict[str, Callable[[OrthancNode], object]] = {
    "store": store,
    "has": lambda node: node.has_instance("1.2.3"),
    "read": lambda node: node.read_instance("1.2.3"),
    "delete instance": lambda node: node.delete_instance("1.2.3"),
    "delete study": lambda node: node.delete_study("1.2.3"),
    "count": lambda node: node.count_instances(),
    "list": lambda node: node.list_study_uids(),
}
FIRST_PAGE = "/studies/?expand=true&since=0&limit=500"
PATHS = ["/dicom-web/studies", "/tools/lookup/", "/statistics/", FIRST_PAGE, "/system/"]


@pytest.fixture(params=CALLS)
def call(request) -> Callable[[OrthancNode], object]:
    return CALLS[request.param]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_node_is_unavailable_and_asked_once(script, node, call, status):
    for path in PATHS:
        script.says(path, status)

    with pytest.raises(NodeUnavailable) as unavailable:
        call(node)

    assert len(script.asked) == 1
    assert unavailable.value.__cause__ is None, "the cause's text holds the URL"


def test_a_node_that_is_down_is_unavailable(call):
    with pytest.raises(NodeUnavailable):
        call(OrthancNode("http://127.0.0.1:1", "user", "password"))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_say_nothing_against_the_instance(script, node, call, status):
    for path in PATHS:
        script.says(path, status)

    with pytest.raises(NodeUnauthorised):
        call(node)

    assert not node.is_alive()


def test_a_redirect_is_not_followed(script, node, call):
    for path in PATHS:
        script.says(path, 302, Location="/elsewhere")

    with pytest.raises(NodeUnavailable):
        call(node)

    assert "GET /elsewhere" not in script.asked


def test_a_silent_node_is_given_up_after_the_read_timeout(script):
    release, begun = threading.Event(), time.monotonic()
    script.server.RequestHandlerClass.do_GET = lambda _request: release.wait(10)

    with pytest.raises(NodeUnavailable):
        OrthancNode(script.url, "user", "password", timeout=(1, 0.1)).count_instances()

    release.set()
    assert time.monotonic() - begun < 2, "the library's own timeout is 3 s"


def test_an_answer_that_lists_the_instance_is_success(script, node):
    script.says("/dicom-web/studies", 200, STORED)

    store(node)

    assert script.asked == ["POST /dicom-web/studies"]


def test_the_body_is_sent_with_its_length_and_not_chunked(script, node):
    script.says("/dicom-web/studies", 200, STORED)

    store(node)

    assert "Transfer-Encoding" not in script.seen[0]
    assert int(script.seen[0]["Content-Length"]) > 5


def test_a_source_that_gives_too_much_is_stopped_before_it_runs_into_the_next_request():
    body = StowBody(iter([b"123", b"456789", b"0"]), 5)
    sent = []

    with pytest.raises(LengthMismatch):
        sent.extend(map(bytes, body))

    assert sent[1:] == [b"123"]


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", {}, {"00081199": {"vr": "SQ"}}])
def test_success_that_lists_nothing_is_not_success(script, node, body):
    """Orthanc 1.10 answers so when its storage fails: nothing is wrong with the instance."""
    script.says("/dicom-web/studies", 200, body)

    with pytest.raises(NodeUnavailable):
        store(node)


@pytest.mark.parametrize("status", [200, 202, 409])
def test_a_failed_instance_is_refused_with_its_reason_whatever_the_status(script, node, status):
    script.says("/dicom-web/studies", status, FAILED | STORED)

    with pytest.raises(NodeRefused, match="0110"):
        store(node)


@pytest.mark.parametrize("status", [400, 409, 413, 415])
def test_a_bad_request_is_refused(script, node, status):
    script.says("/dicom-web/studies", status)

    with pytest.raises(NodeRefused) as refused:
        store(node)

    assert refused.value.reason == f"HTTP {status}"


def test_a_file_the_node_cannot_open_is_unreadable(script, node):
    script.says("/tools/lookup/", 200, FOUND)
    script.says(f"/instances/{ORTHANC_ID}/file/", 500)

    with pytest.raises(InstanceUnreadable):
        node.read_instance("1.2.3")


def test_an_instance_gone_since_the_lookup_is_missing(script, node):
    script.says("/tools/lookup/", 200, FOUND)

    with pytest.raises(InstanceMissing):
        node.read_instance("1.2.3")


def test_a_transfer_that_breaks_off_is_not_the_end_of_the_file(script, node):
    script.says("/tools/lookup/", 200, FOUND)
    script.says(f"/instances/{ORTHANC_ID}/file/", 200, b"half", Content_Length="8")
    pieces = node.read_instance("1.2.3")

    with pytest.raises(NodeUnavailable):
        list(pieces)


@pytest.mark.parametrize("orthanc_id", ["../system", "", ORTHANC_ID.upper(), ORTHANC_ID + "/file"])
def test_an_id_that_is_no_id_never_enters_a_path(script, node, orthanc_id):
    script.says("/tools/lookup/", 200, json.dumps([{"ID": orthanc_id, "Type": "Instance"}]).encode())

    with pytest.raises(NodeUnavailable):
        node.delete_instance("1.2.3")

    assert script.asked == ["POST /tools/lookup/"]


def test_a_study_is_only_deleted_after_the_node_confirmed_its_uid(script, node):
    script.says("/tools/lookup/", 200, FOUND.replace(b"Instance", b"Study"))
    script.says(f"/studies/{ORTHANC_ID}/", 200, {"MainDicomTags": {"StudyInstanceUID": "1.2.3.4"}})

    assert node.delete_study("1.2.3") is False

    assert not any(line.startswith("DELETE") for line in script.asked)


@pytest.mark.parametrize("status", [400, 409])
def test_a_refusal_to_delete_is_not_taken_for_absence(script, node, status):
    script.says("/tools/lookup/", 200, FOUND)
    script.says(f"/instances/{ORTHANC_ID}/", status)

    with pytest.raises(NodeRefused):
        node.delete_instance("1.2.3")


def test_an_instance_gone_before_its_deletion_is_absent(script, node):
    script.says("/tools/lookup/", 200, FOUND)

    assert node.delete_instance("1.2.3") is False


def test_all_pages_of_studies_are_listed(script, node):
    first = [{"MainDicomTags": {"StudyInstanceUID": f"1.2.{i}"}} for i in range(500)]
    script.says("/studies/?expand=true&since=0&limit=500", 200, json.dumps(first).encode())
    script.says("/studies/?expand=true&since=500&limit=500", 200, json.dumps(first[:1]).encode())
    script.says("/studies/?expand=true&since=1000&limit=500", 200, b"[]")

    assert len(node.list_study_uids()) == 500
    assert len(script.asked) == 3


def test_the_proxies_of_the_environment_are_not_used(script, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    node = OrthancNode(script.url, "user", "password")
    script.says("/dicom-web/studies", 200, STORED)
    script.says("/system/", 200, {"Name": "x"})

    store(node)

    assert node.is_alive()


def test_no_identifier_reaches_the_log_or_an_error(script, node, caplog):
    script.says("/tools/lookup/", 200, FOUND)
    script.says(f"/instances/{ORTHANC_ID}/file/", 500)

    with caplog.at_level(logging.INFO), pytest.raises(InstanceUnreadable) as unreadable:
        node.read_instance("1.2.3")

    assert ORTHANC_ID not in caplog.text
    assert unreadable.value.__suppress_context__
    assert ORTHANC_ID not in str(unreadable.value)


def test_the_password_is_not_shown(node):
    assert "password" not in repr(node)
