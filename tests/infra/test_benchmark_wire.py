"""What the benchmarks ask with: a client that finds the end of every kind of answer, and peers that can be started."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from blake3 import blake3

from infra.benchmarks import w06_series
from infra.benchmarks.crowd import Answer, Crowd
from infra.benchmarks.examination import FRAME_BYTES, SIDE, ct_study
from infra.benchmarks.measuring import Bench, Scale
from infra.benchmarks.multiparts import digests, only_part, parts_of
from infra.benchmarks.peers import suites
from infra.benchmarks.peers.nginx import NginxFailed, started_nginx
from infra.benchmarks.peers.orthanc import OrthancFailed
from infra.benchmarks.wire import RequestFailed

BODY = bytes(range(256)) * 1000
ROOM = len(BODY) + 1000


class _Answering(BaseHTTPRequestHandler):
    """Each path is another way to end a body (RFC 9112 §6)."""

    protocol_version = "HTTP/1.1"
    connections: set[tuple[str, int]] = set()

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        kind = self.path.strip("/").split("/")[0]
        self.send_response(404 if kind == "missing" else 200)
        if kind == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif kind == "closed":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        for piece in (BODY[:1000], BODY[1000:]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if kind == "chunked" else piece)
            if kind == "short":
                self.close_connection = True
                return
        if kind == "chunked":
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes away is what some tests are about."""


@pytest.fixture
def origin() -> Iterator[str]:
    _Answering.connections.clear()
    with _Server(("127.0.0.1", 0), _Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("kind", ["length", "chunked", "closed"])
def test_the_end_of_every_kind_of_body_is_found(kind: str, origin: str) -> None:
    paths = [f"/{kind}/{number}" for number in range(9)]

    with Crowd(origin, {}, in_flight=4) as crowd:
        seconds, answers = crowd.get(paths, ROOM)

    assert [answer.path for answer in answers] == paths
    assert all(answer.body == BODY for answer in answers)
    assert all(0 < answer.first_byte_s <= answer.seconds <= seconds for answer in answers)
    assert len(_Answering.connections) == (9 if kind == "closed" else 4)


@pytest.mark.parametrize("kind", ["missing", "short"])
def test_an_answer_that_is_refused_or_not_whole_is_no_figure(kind: str, origin: str) -> None:
    with Crowd(origin, {}) as crowd, pytest.raises(RequestFailed):
        crowd.get([f"/{kind}"], ROOM)


def test_an_answer_larger_than_it_may_be_is_no_figure(origin: str) -> None:
    with Crowd(origin, {}) as crowd, pytest.raises(RequestFailed):
        crowd.get(["/length"], len(BODY) - (16 << 10) - 500)


def test_a_connection_that_the_server_ended_meanwhile_is_made_anew(origin: str) -> None:
    with Crowd(origin, {}) as crowd:
        crowd.get(["/length"], ROOM)
        crowd._visitors[0]._socket.shutdown(2)
        _, (answer,) = crowd.get(["/length"], ROOM)
    assert answer.body == BODY


def test_parts_are_taken_out_of_a_whole_answer_only() -> None:
    whole = b"--b\r\nContent-Type: x\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    headers = {"content-type": 'multipart/related; type="x"; boundary=b'}

    assert [bytes(part) for part in parts_of(Answer("", 200, headers, bytearray(whole)))] == [b"one", b"two"]
    assert parts_of(Answer("", 200, headers, bytearray(whole[:-6]))) == []
    assert only_part(Answer("", 200, headers, bytearray(whole))) == b""
    assert only_part(Answer("", 200, {"content-type": "x"}, bytearray(b"plain"))) == b"plain"


def test_heaps_of_files_are_compared_whatever_their_order() -> None:
    assert digests([b"a", b"b"]) == digests([b"b", b"a"]) == sorted(blake3(each).digest() for each in (b"a", b"b"))
    assert digests([b"a", b"a"]) != digests([b"a"])


def test_a_synthetic_study_is_one_series_of_slices_with_frames_at_their_ends() -> None:
    study = ct_study(3)
    assert len({each.sop for each in study.slices}) == 3
    assert all(len(each.frame) == FRAME_BYTES for each in study.slices)
    assert study.size == sum(len(each.content) for each in study.slices)


def test_metadata_with_a_slice_too_few_or_with_pixels_is_not_right() -> None:
    study = ct_study(2)
    instances = [
        {"00080018": {"Value": [each.sop]}, "00200013": {"Value": [number]}, "00280010": {"Value": [SIDE]}}
        for number, each in enumerate(study.slices, 1)
    ]

    assert w06_series._tells_of(instances, study)
    assert not w06_series._tells_of(instances[:1], study)
    assert not w06_series._tells_of([{**each, "7FE00010": {"InlineBinary": "AA=="}} for each in instances], study)


def test_nginx_serves_the_same_bytes(tmp_path: Path) -> None:
    try:
        with started_nginx(tmp_path / "nginx") as nginx:
            path = nginx.put("frames/1.raw", BODY)
            with Crowd(nginx.origin, {}) as crowd:
                _, (answer,) = crowd.get([path], ROOM)
            assert answer.body == BODY
    except NginxFailed as failed:
        pytest.skip(str(failed))


def test_a_full_run_names_the_peer_that_is_not_laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLIMATE_BENCH_PEERS", str(tmp_path))

    with pytest.raises(OrthancFailed, match="trixie is not laid out"):
        suites.list_installations(Scale.FULL)

    assert len(suites.list_installations(Scale.USUAL)) == 1


def test_a_peer_from_a_folder_runs_with_the_loader_and_the_libraries_of_that_folder(tmp_path: Path) -> None:
    root = tmp_path / "trixie"
    for name in ("lib64/ld-linux-x86-64.so.2", "usr/lib/orthanc/libOrthancDicomWeb.so.1.20", "usr/lib/x-linux-gnu/a"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ".laid-out").touch()

    found = suites.suite_installation(root)

    loader, _, libraries, program = found.command
    assert loader == str(root / "lib64/ld-linux-x86-64.so.2")
    assert str(root / "usr/lib/x-linux-gnu") in libraries.split(":")
    assert program == str(root / "usr/sbin/Orthanc")
    assert found.dicomweb.name == "libOrthancDicomWeb.so.1.20"
    assert found.environment["DCMDICTPATH"].startswith(str(root))


def test_the_same_version_twice_is_one_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = suites.list_installations(Scale.USUAL)
    monkeypatch.setattr(suites, "list_installations", lambda scale: own * 2)

    with suites.started_orthancs(Bench(Scale.QUICK, None, tmp_path, print)) as orthancs:
        assert len(orthancs) == 1
        assert orthancs[0].name.startswith("Orthanc 1.")
