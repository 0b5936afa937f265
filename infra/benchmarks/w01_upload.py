"""W1: a CBCT of 500 MB comes in through the browser's protocol; the clock ends when it is durable and indexed.

Ours: tus (a session with both factors, creation, one PATCH); the answer comes after gate, digest, seal, flush and
index. What workers do afterwards has ended before the other side's turn; its CPU is noted apart.
"""

import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from infra.benchmarks import wire
from infra.benchmarks.examination import Cbct, write_cbct
from infra.benchmarks.measuring import (
    MB,
    Bench,
    Row,
    Sample,
    Scale,
    Spread,
    as_figures,
    best_ways,
    in_turns,
    judged,
    median_of,
    require_equal,
)
from infra.benchmarks.peers.orthanc import Orthanc
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.trees import Trees
from infra.benchmarks.wire import Wire

FRAMES = {Scale.QUICK: 8, Scale.USUAL: 1000, Scale.FULL: 1000}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 3, Scale.FULL: 7}
LEAST_RATIO = 3
MOST_RSS = 150 * MB
PACKED_AFTER_S = 8
_POST, _STOW = "POST /instances", "STOW-RS"


def run(bench: Bench) -> list[Row]:
    """One row."""
    with started_orthancs(bench) as orthancs:
        ours = _Ours(bench)
        files: dict[int, Cbct] = {}

        def file(number: int) -> Cbct:
            if number not in files:
                for old in files.values():
                    old.path.unlink()
                files.clear()
                files[number] = write_cbct(bench.scratch / f"{number}.dcm", FRAMES[bench.scale])
            return files[number]

        bench.stack.await_idle()
        sides: dict[str, Callable[[int], Sample]] = {"ours": lambda number: ours.upload(file(number))}
        for sender in map(_Sender, orthancs):
            for way, send in ((_POST, sender.post), (_STOW, sender.stow)):
                sides[f"{sender.name} {way}"] = lambda number, to=sender, send=send: to.store(file(number), send)
        samples = in_turns(ROUNDS[bench.scale], sides, bench.say)
        peers = {each.name: [f"{each.name} {way}" for way in (_POST, _STOW)] for each in orthancs}
        return [_row(bench.scale, samples, files.popitem()[1].size, peers)]


class _Ours:
    def __init__(self, bench: Bench) -> None:
        self._stack = bench.stack
        self._session = bench.stack.session("bob")
        self._token = bench.stack.token("northside", "bob", "read")

    def upload(self, cbct: Cbct) -> Sample:
        serving, web, everything = self._stack.serving(), self._stack.web(), self._stack.everything()
        web.forget_peaks()
        before, all_before, started = serving.cpu_s(), everything.cpu_s(), time.perf_counter()
        self._send(cbct)
        seconds = time.perf_counter() - started
        cpu_s, peaks = serving.cpu_s() - before, web.peaks()
        self._stack.await_idle(PACKED_AFTER_S)
        afterwards = everything.cpu_s() - all_before - cpu_s
        require_equal("ours", self._stored_digest(cbct) == wire.digest_of_file(cbct.path))
        return Sample(seconds, cpu_s, {"peak_rss": peaks[0], "rss_of_all": sum(peaks), "cpu_afterwards_s": afterwards})

    def _send(self, cbct: Cbct) -> None:
        named = {"filename": cbct.path.name, "kind": "file", "batch": str(uuid4())}
        metadata = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in named.items())
        with Wire(self._stack.origin, {**self._session, "Tus-Resumable": "1.0.0"}) as connection:
            begun = connection.call(
                "POST", "/t/northside/uploads/", Upload_Length=str(cbct.size), Upload_Metadata=metadata
            )
            begun.read()
            connection.send_file(
                "PATCH", begun.headers["Location"], cbct.path, Upload_Offset="0",
                Content_Type="application/offset+octet-stream",
            ).read()  # fmt: skip

    def _stored_digest(self, cbct: Cbct) -> bytes:
        path = f"/t/northside/dicomweb/studies/{cbct.study}/series/{cbct.series}/instances/{cbct.sop}"
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        with Wire(self._stack.origin, {"Authorization": f"Bearer {self._token}"}) as connection:
            return wire.digest_of_part(connection.call("GET", path, Accept=accept), cbct.size)


class _Sender:
    """Stores in the bare Orthanc and takes it back, so that the same file can go in the other way."""

    def __init__(self, orthanc: Orthanc) -> None:
        self._orthanc = orthanc

    @property
    def name(self) -> str:
        return self._orthanc.name

    def store(self, cbct: Cbct, send: Callable[[Path], None]) -> Sample:
        tree: Trees = self._orthanc.trees()
        tree.forget_peaks()
        before, started = tree.cpu_s(), time.perf_counter()
        send(cbct.path)
        seconds = time.perf_counter() - started
        cpu_s, peaks = tree.cpu_s() - before, tree.peaks()
        identifier = self._orthanc.find_instance(cbct.sop)
        with Wire(self._orthanc.origin) as connection:
            stored = wire.digest_of_part(connection.call("GET", f"/instances/{identifier}/file"), cbct.size)
        require_equal(self.name, stored == wire.digest_of_file(cbct.path))
        self._orthanc.forget(identifier)
        return Sample(seconds, cpu_s, {"peak_rss": peaks[0]})

    def post(self, path: Path) -> None:
        with Wire(self._orthanc.origin) as connection, closing(connection.send_file("POST", "/instances", path)) as got:
            got.read()

    def stow(self, path: Path) -> None:
        with Wire(self._orthanc.origin) as connection:
            connection.send_file(
                "POST", "/dicom-web/studies", path, wire.STOW_HEAD, wire.STOW_TAIL, Content_Type=wire.STOW_TYPE,
                Accept="application/dicom+json",
            ).read()  # fmt: skip


def _row(scale: Scale, samples: dict[str, list[Sample]], size: int, peers: dict[str, list[str]]) -> Row:
    best = best_ways(samples, peers)
    fastest = next(iter(best.values()))
    ratio = median_of(samples[fastest]) / median_of(samples["ours"])
    rss = max(each.figures["peak_rss"] for each in samples["ours"])
    return Row(
        "W1", f"CBCT of {size / MB:.0f} MB uploaded", _text(samples["ours"], size),
        "; ".join(f"{way}: {_text(samples[way], size)}" for way in best.values()),
        ratio, f"≥ {LEAST_RATIO}×, RSS ≤ {MOST_RSS / MB:.0f} MB",
        judged(scale, ratio >= LEAST_RATIO, rss <= MOST_RSS), right=True,
        figures={"bytes": size, "peer": fastest, "samples": as_figures(samples)},
    )  # fmt: skip


def _text(samples: list[Sample], size: int) -> str:
    rate = Spread.of(size / MB / each.seconds for each in samples)
    cpu, rss = median_of(samples, lambda each: each.cpu_s), max(each.figures["peak_rss"] for each in samples)
    return f"{rate.text()} MB/s, CPU {cpu:.2f} s, RSS {rss / MB:.0f} MB"
