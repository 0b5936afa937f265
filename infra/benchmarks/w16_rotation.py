"""W16: a practice's key is rotated over many data keys, in both regions, without opening one sealed file.

Ours is what `manage.py rotate_keys` calls, in a process of its own: every wrap is replaced durably and atomically.
The peer, OpenBao's transit engine, wraps anew in memory, hundreds in a request, and stores nothing.
"""

from infra.benchmarks.measuring import (
    Bench,
    Row,
    Sample,
    Scale,
    Spread,
    as_figures,
    in_turns,
    judged,
    require_equal,
)
from infra.benchmarks.peers.openbao import OpenBao, started_openbao

KEYS = {Scale.QUICK: 1_000, Scale.USUAL: 50_000, Scale.FULL: 1_000_000}  # objects; each has a wrap in both regions
PEER_KEYS = {Scale.QUICK: 1_000, Scale.USUAL: 50_000, Scale.FULL: 200_000}
ROUNDS = {Scale.QUICK: 1, Scale.USUAL: 2, Scale.FULL: 2}
LOOKED_AT = 200
MILLION = 1_000_000
MOST_S = 300
REGIONS = 2


def run(bench: Bench) -> list[Row]:
    """One row."""
    bench.say(f"making {KEYS[bench.scale]} data keys in both regions")
    bench.stack.inside("data_keys", tenant="northside", count=KEYS[bench.scale])
    bench.stack.await_idle()
    with started_openbao(bench.scratch / "openbao") as peer:
        sides = {"ours": lambda _: _rotate(bench)}
        if peer is not None:
            peer.wrap(PEER_KEYS[bench.scale])
            sides["OpenBao"] = lambda _: _rotate_peer(peer)
        samples = in_turns(ROUNDS[bench.scale], sides, bench.say)
        return [_row(bench.scale, samples, peer.version() if peer else "")]


def _rotate(bench: Bench) -> Sample:
    before = bench.stack.serving().cpu_s()
    done = bench.stack.inside("rotation", tenant="northside", looked_at=LOOKED_AT)
    database_s = bench.stack.serving().cpu_s() - before
    require_equal("ours", bool(done["right"]) and done["rewrapped"] >= KEYS[bench.scale] * REGIONS)
    figures = {name: done[name] for name in ("rewrapped", "keys_opened", "sealed_opened")}
    return Sample(done["seconds"], done["cpu_s"] + database_s, figures)


def _rotate_peer(peer: OpenBao) -> Sample:
    sample = peer.rotate()
    require_equal("OpenBao", sample.figures["rewrapped"] == len(peer.wrapped))
    return sample


def _row(scale: Scale, samples: dict[str, list[Sample]], version: str) -> Row:
    rates = {name: Spread.of(each.figures["rewrapped"] / each.seconds for each in s) for name, s in samples.items()}
    needed = MILLION * REGIONS / rates["ours"].median
    opened = int(max(each.figures["sealed_opened"] for each in samples["ours"]))
    said = "" if KEYS[scale] == MILLION else f", extrapolated from {KEYS[scale]:,}"
    peer = rates.get("OpenBao")
    return Row(
        "W16", f"1M data keys, two regions{said}",
        f"{needed:.0f} s, {rates['ours'].text(',.0f')} wraps/s, CPU {_cpu(samples['ours']):.2f} ms each, "
        f"{opened} sealed files opened",
        f"{peer.text(',.0f')} wraps/s, CPU {_cpu(samples['OpenBao']):.2f} ms each; {version} transit, in memory"
        if peer else "none",
        rates["ours"].median / peer.median if peer else None, f"≤ {MOST_S} s, no pixel byte read",
        judged(scale, needed <= MOST_S, opened == 0), right=True,
        figures={"data_keys": KEYS[scale], "extrapolated": bool(said), "peer": version or "none",
                 "seconds_for_a_million": needed, "samples": as_figures(samples)},
    )  # fmt: skip


def _cpu(samples: list[Sample]) -> float:
    """Median milliseconds for each wrap."""
    return Spread.of(each.cpu_s / each.figures["rewrapped"] * 1000 for each in samples).median
