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
    fastest,
    in_turns,
    judged,
    require_equal,
)
from infra.benchmarks.peers.orthanc import Orthanc
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
    orthanc = Orthanc(bench.scratch / "orthanc")
    orthanc.start()
    try:
        ours, sender = _Ours(bench), _Sender(orthanc)
        files: dict[int, Cbct] = {}

        def file(number: int) -> Cbct:
            if number not in files:
                for old in files.values():
                    old.path.unlink()
                files.clear()
                files[number] = write_cbct(bench.scratch / f"{number}.dcm", FRAMES[bench.scale])
            return files[number]

        bench.stack.await_idle()
        samples = in_turns(
            ROUNDS[bench.scale],
            {
                "ours": lambda number: ours.upload(file(number)),
                _POST: lambda number: sender.store(file(number), sender.post),
                _STOW: lambda number: sender.store(file(number), sender.stow),
            },
            bench.say,
        )
        return [_row(bench.scale, samples, files.popitem()[1].size, orthanc.version())]
    finally:
        orthanc.stop()


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
        require_equal("Orthanc", stored == wire.digest_of_file(cbct.path))
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


def _row(scale: Scale, samples: dict[str, list[Sample]], size: int, version: str) -> Row:
    way = fastest(samples, (_POST, _STOW))
    ours, peer = (Spread.of(size / MB / each.seconds for each in samples[name]) for name in ("ours", way))
    rss = {name: max(each.figures["peak_rss"] for each in samples[name]) for name in ("ours", way)}
    cpu = {name: Spread.of(each.cpu_s for each in samples[name]).median for name in ("ours", way)}
    ratio = ours.median / peer.median
    return Row(
        "W1", f"CBCT of {size / MB:.0f} MB uploaded",
        f"{ours.text()} MB/s, CPU {cpu['ours']:.2f} s, RSS {rss['ours'] / MB:.0f} MB",
        f"{peer.text()} MB/s, CPU {cpu[way]:.2f} s, RSS {rss[way] / MB:.0f} MB; {version} {way}",
        ratio, f"≥ {LEAST_RATIO}×, RSS ≤ {MOST_RSS / MB:.0f} MB",
        judged(scale, ratio >= LEAST_RATIO, rss["ours"] <= MOST_RSS), right=True,
        figures={"bytes": size, "peer": f"{version} {way}", "samples": as_figures(samples)},
    )  # fmt: skip
