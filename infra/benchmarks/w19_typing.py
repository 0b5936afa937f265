"""W19: a keystroke in the worklist's search, from the key to the painted rows, in Chromium.

Over 1,000 and 100,000 studies, or (`--full`) 1,000 and a million. Words are typed as people type them, a key each
200 ms: family names, names in any order, ids, days, a name and a modality; some are frequent, one in twenty is the
rarest there is.
Each key's time runs from the browser's key event to the frame that shows the rows that answer it (all that fit on the
screen; those below come a frame later), with session, audit and tenant walls on. What is shown once a word is typed is
compared with a brute-force search of the same rows in Python; rows of a search that says it stopped early must all
match.
"""

import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from playwright.sync_api import Page, sync_playwright

from infra.benchmarks.measuring import Bench, Row, Scale, judged, percentile, require_equal
from infra.benchmarks.searching import PAGE, grown_archives
from infra.benchmarks.stack import StackFailed
from infra.benchmarks.synthetic_index import MADE, RARE, Study

SIZES = {Scale.QUICK: (200,), Scale.USUAL: (1_000, 100_000), Scale.FULL: (1_000, 1_000_000)}
TYPED = {Scale.QUICK: 4, Scale.USUAL: 20, Scale.FULL: 20}  # words or names at each size
WARM_UPS = 2
MOST_S = 0.100
_KEY_EACH_MS = 200
_PATIENCE_MS = 15_000
_SETTLED_MS = 1_200
_RARELY = 0.05
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
_WATCH = """() => {
  const keys = (window.typedKeys = []);
  performance.setResourceTimingBufferSize(2000);
  let pressed = 0;
  document.addEventListener('keydown', (event) => { pressed = event.timeStamp; }, true);
  document.addEventListener('input', (event) => {
    const at = event.timeStamp - pressed < 50 ? pressed : event.timeStamp;
    keys.push({ at, painted: null });
  }, true);
  new MutationObserver(() => {
    const waiting = keys.filter((key) => key.painted === null);
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.forEach((key) => { key.painted ??= performance.now(); });
      channel.port2.postMessage(null);
    });
  }).observe(document.getElementById('results'), {
    childList: true, subtree: true, attributes: true, attributeFilter: ['data-version'],
  });
}"""
_TAKE = """() => {
  const asked = performance.getEntriesByType('resource').filter((each) => each.name.endsWith('/worklist/rows'));
  const keys = window.typedKeys.splice(0);
  performance.clearResourceTimings();
  return {
    keys: keys.map((key) => key.painted - key.at),
    server: asked.map((each) => each.responseEnd - each.requestStart),
  };
}"""
_CHANGED = "() => window.typedKeys.length && window.typedKeys.every((key) => key.painted !== null)"


def run(bench: Bench) -> list[Row]:
    """One row for each size."""
    rows = []
    for archive in grown_archives(bench, SIZES[bench.scale]):
        with _worklist(bench) as page:
            rows.append(_row(bench.scale, len(archive), _measure(bench, page, archive)))
    return rows


@contextmanager
def _worklist(bench: Bench) -> Iterator[Page]:
    """The worklist in Chromium, for somebody who is signed in."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        raise StackFailed("Chromium is not installed: infra/setup --tests installs it")
    cookies = bench.stack.session("bob")["Cookie"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            pairs = (pair.split("=", 1) for pair in cookies.split("; "))
            context.add_cookies([
                {"name": name, "value": value, "url": bench.stack.origin} for name, value in pairs
            ])  # fmt: skip
            page = context.new_page()
            page.set_default_timeout(_PATIENCE_MS)
            page.goto(f"{bench.stack.origin}/t/northside/")
            page.wait_for_selector("#worklist[data-ready]")
            page.evaluate(_WATCH)
            yield page
        finally:
            browser.close()


def _measure(bench: Bench, page: Page, archive: list[Study]) -> dict[str, list[float]]:
    chance = random.Random(19)
    texts = {study.uid: study.search_text for study in archive}
    made = [study for study in archive if study.uid.startswith(MADE)]
    taken: dict[str, list[float]] = {"keys": [], "server": []}
    partial = 0
    for number in range(WARM_UPS + TYPED[bench.scale]):
        typed = _typed(made, chance)
        figures = _type(page, typed)
        stopped_early = _require_right(page, typed, archive, texts)
        if number >= WARM_UPS:
            partial += stopped_early
            for name, values in figures.items():
                taken[name] += [value / 1000 for value in values]
    p95 = percentile(taken["keys"], 95) * 1000
    bench.say(f"{len(taken['keys'])} keys of {len(archive):,} studies: p95 {p95:.0f} ms")
    return taken | {"partial": [float(partial)]}


def _type(page: Page, typed: str) -> dict[str, list[float]]:
    """Milliseconds of each key, and of each answer of the server."""
    box = page.locator("#search [name=words]")
    if box.input_value():
        box.fill("")
        page.wait_for_function(_CHANGED)
    page.wait_for_timeout(_SETTLED_MS)  # the empty search is no key's answer
    page.evaluate(_TAKE)
    box.press_sequentially(typed, delay=_KEY_EACH_MS)
    page.wait_for_function(_CHANGED)
    figures = page.evaluate(_TAKE)
    page.wait_for_timeout(_SETTLED_MS)
    return figures


def _require_right(page: Page, typed: str, archive: list[Study], texts: dict[str, str]) -> bool:
    """Whether the search stopped early; raises `AnswerWrong` unless what is shown is right."""
    shown = page.eval_on_selector_all("tr[data-study]", "rows => rows.map((row) => row.dataset.study)")
    partial = page.locator(".results > .alert").count() > 0
    words = [f" {word}" for word in re.split(r"[\s,]+", typed.lower()) if word]
    matching = (study.uid for study in archive if all(word in texts[study.uid] for word in words))
    if partial:
        right = all(all(word in texts[uid] for word in words) for uid in shown)
    else:
        right = shown == list(islice(matching, PAGE))
    require_equal(f"ours, a search of {len(words)} words", right)
    return partial


def _typed(archive: list[Study], chance: random.Random) -> str:
    study = chance.choice(archive)
    family, given = (study.patient_name.lower().split("^") + [""])[:2]
    if chance.random() < _RARELY:
        return RARE.lower()
    return chance.choice([
        family, f"{family} {given}", f"{given} {family}", f"{family}, {given[:2]}", study.patient_id.lower(),
        study.study_date.isoformat() if study.study_date else family, f"{family[:3]} ct",
    ])  # fmt: skip


def _row(scale: Scale, size: int, taken: dict[str, list[float]]) -> Row:
    keys, server = taken["keys"], taken["server"]
    p50, p95, most = (percentile(keys, percent) * 1000 for percent in (50, 95, 100))
    answer50, answer95 = (percentile(server, percent) * 1000 for percent in (50, 95))
    cause = f"the answer takes p50 {answer50:.0f} ms, p95 {answer95:.0f} ms of it; the rest is the browser's"
    return Row(
        "W19", f"a keystroke over {size:,} studies",
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, most {most:.0f} ms of {len(keys)} keys; answer p50 {answer50:.0f} ms, "
        f"p95 {answer95:.0f} ms; {taken['partial'][0]:.0f} searches stopped early and said so",
        "–", None, f"p95 ≤ {MOST_S * 1000:.0f} ms", judged(scale, p95 <= MOST_S * 1000), right=True,
        figures={"studies": size, "keys_s": keys, "answers_s": server}, cause=cause,
    )  # fmt: skip
