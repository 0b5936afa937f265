"""W4: one random frame of a 500 MB CBCT, sealed at rest, over DICOMweb with a bearer token.

Cold: the page cache is dropped and the connection is new, each time. Orthanc keeps whole files in its own memory, so
it is restarted for each of its cold frames. Ours, which keeps no plaintext, is also measured right after a restart.
"""

import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from infra.benchmarks import wire
from infra.benchmarks.caches import ColdFiles
from infra.benchmarks.examination import FRAME_BYTES, Cbct, write_cbct
from infra.benchmarks.measuring import (
    Bench,
    Row,
    Sample,
    Scale,
    as_figures,
    in_turns,
    judged,
    percentile,
    require_equal,
)
from infra.benchmarks.peers.orthanc import Orthanc
from infra.benchmarks.peers.suites import started_orthancs
from infra.benchmarks.trees import Trees
from infra.benchmarks.wire import Wire

FRAMES = {Scale.QUICK: 8, Scale.USUAL: 1000, Scale.FULL: 1000}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 4, Scale.FULL: 5}
TAKEN = {Scale.QUICK: 3, Scale.USUAL: 25, Scale.FULL: 25}  # frames in a round
RESTARTS = {Scale.QUICK: 1, Scale.USUAL: 3, Scale.FULL: 3}  # of Orthanc in a round, for each of its ways
MOST_COLD_S = 0.010
PACKED_AFTER_S = 8
WARM_UPS, AT_ONCE = 120, 24
_FRAME_TYPE = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
_Get = Callable[[Wire, int], bytes]  # the bytes of a frame, by its number from 1
_RAW, _WADO = "frames/raw", "WADO-RS"


def run(bench: Bench) -> list[Row]:
    """Two rows: cold and warm."""
    cbct = write_cbct(bench.scratch / "cbct.dcm", FRAMES[bench.scale])
    with started_orthancs(bench) as orthancs:
        ours, peers = _Ours(bench, cbct), [_Peer(each, cbct) for each in orthancs]
        vaults = [bench.stack.vault(region) for region in (1, 2)]
        storages = [each.storage for each in orthancs]
        cold = ColdFiles([*vaults, *storages], everything=bench.scale is not Scale.QUICK)
        trial = _Trial(bench, cbct, cold)
        bench.stack.await_idle(PACKED_AFTER_S)
        trial.warm_up(ours)
        samples = in_turns(ROUNDS[bench.scale], _sides(trial, ours, peers, bench.scale), bench.say)
        return _rows(bench.scale, samples, [peer.name for peer in peers], cold.how)


def _sides(trial: "_Trial", ours: "_Ours", peers: "list[_Peer]", scale: Scale) -> dict[str, Callable[[int], Sample]]:
    starts, taken = RESTARTS[scale], TAKEN[scale]
    cold, warm = {}, {}
    for peer in peers:
        for way, get in ((_RAW, peer.raw), (_WADO, peer.wado)):
            name = f"{peer.name} {way}"
            cold[f"{name} cold"] = lambda _, p=peer, g=get: trial.take(starts, p, g, p.restart, cold=True)
            warm[f"{name} warm"] = lambda _, p=peer, g=get: trial.take(taken, p, g, cold=False)
    return {
        "ours cold": lambda _: trial.take(taken, ours, ours.frame, cold=True),
        **cold,
        "ours warm": lambda _: trial.take(taken, ours, ours.frame, cold=False),
        **warm,
        "ours restarted": lambda _: trial.take_restarted(ours),
    }


class _Trial:
    """Takes random frames and compares each with the source."""

    def __init__(self, bench: Bench, cbct: Cbct, cold: ColdFiles) -> None:
        self._cbct = cbct
        self._cold = cold
        self._chance = random.Random()

    def take(
        self, count: int, side: "_Ours | _Peer", get: _Get, first: Callable[[], None] = lambda: None, *, cold: bool
    ) -> Sample:
        """`count` frames one after the other: cold over a connection each, warm over one."""
        taken = []
        with side.connect() as kept:
            if not cold:
                self._one(get, kept, side.trees())  # the connection, and what it finds cold
            for _ in range(count):
                first()
                taken.append(self._one_anew(get, side, cold) if cold else self._one(get, kept, side.trees()))
        named = {f"frame_{number}": seconds for number, (seconds, _) in enumerate(taken, 1)}
        return Sample(sum(named.values()) / count, sum(cpu_s for _, cpu_s in taken) / count, named)

    def take_restarted(self, ours: "_Ours") -> Sample:
        """The first frame of a web server that has just started."""
        sample = self.take(1, ours, ours.frame, ours.restart, cold=True)
        self.warm_up(ours)
        return sample

    def warm_up(self, ours: "_Ours") -> None:
        """Let every thread of the web server have its imports and its database connection, as any day after dawn."""
        with ThreadPoolExecutor(AT_ONCE) as crowd:
            list(crowd.map(lambda _: self._one_anew(ours.frame, ours), range(WARM_UPS)))

    def _one_anew(self, get: _Get, side: "_Ours | _Peer", cold: bool = False) -> tuple[float, float]:
        if cold:
            self._cold.forget()
        with side.connect() as connection:
            return self._one(get, connection, side.trees())

    def _one(self, get: _Get, connection: Wire, tree: Trees) -> tuple[float, float]:
        number = self._chance.randint(1, self._cbct.frames)
        before, started = tree.cpu_s(), time.perf_counter()
        frame = get(connection, number)
        seconds, cpu_s = time.perf_counter() - started, tree.cpu_s() - before
        require_equal(get.__qualname__, frame == self._cbct.frame(number))
        return seconds, cpu_s


class _Ours:
    def __init__(self, bench: Bench, cbct: Cbct) -> None:
        self._stack = bench.stack
        self._token = bench.stack.token("northside", "bob", "read", "store")
        self._path = f"/t/northside/dicomweb/studies/{cbct.study}/series/{cbct.series}/instances/{cbct.sop}/frames"
        with self.connect() as connection:
            connection.send_file(
                "POST", "/t/northside/dicomweb/studies", cbct.path, wire.STOW_HEAD, wire.STOW_TAIL,
                Content_Type=wire.STOW_TYPE,
            ).read()  # fmt: skip

    def connect(self) -> Wire:
        return Wire(self._stack.origin, {"Authorization": f"Bearer {self._token}"})

    def trees(self) -> Trees:
        return self._stack.serving()

    def restart(self) -> None:
        self._stack.restart_web()

    def frame(self, connection: Wire, number: int) -> bytes:
        body = connection.call("GET", f"{self._path}/{number}", Accept=_FRAME_TYPE).read()
        return wire.only_part(body, FRAME_BYTES)


class _Peer:
    def __init__(self, orthanc: Orthanc, cbct: Cbct) -> None:
        self._orthanc = orthanc
        with self.connect() as connection:
            connection.send_file("POST", "/instances", cbct.path).read()
        self._instance = orthanc.find_instance(cbct.sop)
        self._path = f"/dicom-web/studies/{cbct.study}/series/{cbct.series}/instances/{cbct.sop}/frames"

    @property
    def name(self) -> str:
        return self._orthanc.name

    def connect(self) -> Wire:
        return Wire(self._orthanc.origin)

    def trees(self) -> Trees:
        return self._orthanc.trees()

    def restart(self) -> None:
        self._orthanc.restart()

    def raw(self, connection: Wire, number: int) -> bytes:
        return connection.call("GET", f"/instances/{self._instance}/frames/{number - 1}/raw").read()

    def wado(self, connection: Wire, number: int) -> bytes:
        body = connection.call("GET", f"{self._path}/{number}", Accept=_FRAME_TYPE).read()
        return wire.only_part(body, FRAME_BYTES)


def _rows(scale: Scale, samples: dict[str, list[Sample]], peers: list[str], how: str) -> list[Row]:
    restarted = percentile(_times(samples["ours restarted"]), 50) * 1000
    return [
        _row(scale, samples, "cold", peers, f"{how}; ours just restarted {restarted:.0f} ms"),
        _row(scale, samples, "warm", peers, ""),
    ]


def _row(scale: Scale, samples: dict[str, list[Sample]], state: str, peers: list[str], note: str) -> Row:
    ways = {f"{peer} {way}": samples[f"{peer} {way} {state}"] for peer in peers for way in (_RAW, _WADO)}
    p95s = {way: percentile(_times(taken), 95) for way, taken in ways.items()}
    best = sorted((min(_of(peer, p95s), key=lambda way: p95s[way]) for peer in peers), key=lambda way: p95s[way])
    p95 = percentile(_times(samples[f"ours {state}"]), 95)
    aim = f"p95 ≤ {MOST_COLD_S * 1000:.0f} ms" if state == "cold" else ""
    return Row(
        "W4", f"one frame, {state}" + (f" ({note})" if note else ""), _text(samples[f"ours {state}"]),
        "; ".join(f"{way}: {_text(ways[way])}" for way in best), p95s[best[0]] / p95, aim,
        judged(scale, p95 <= MOST_COLD_S) if aim else None, right=True,
        figures={"peer": best[0], "how": note, "samples": as_figures(samples) if state == "cold" else {}},
    )  # fmt: skip


def _of(peer: str, ways: Iterable[str]) -> list[str]:
    return [way for way in ways if way.startswith(f"{peer} ")]


def _times(samples: list[Sample]) -> list[float]:
    return [value for each in samples for name, value in each.figures.items() if name.startswith("frame_")]


def _text(samples: list[Sample]) -> str:
    times = _times(samples)
    cpu = sum(each.cpu_s for each in samples) / len(samples) * 1000
    p50, p95 = (percentile(times, percent) * 1000 for percent in (50, 95))
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms of {len(times)}, CPU {cpu:.1f} ms"
