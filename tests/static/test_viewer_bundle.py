"""What a browser fetches of the viewer before the first image, as whitenoise packs it."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from django.conf import settings

from infra.local.layout import REPO

BUILD = REPO / "var" / "build"
MOST_BYTES = 1_600_000


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict]:
    return json.loads((BUILD / "viewer" / "manifest.json").read_text())


def closure(manifest: dict[str, dict], *names: str) -> set[str]:
    """Files of the chunks and of all that they import before they run."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(manifest[name].get("imports", ()))
    return {manifest[name]["file"] for name in seen}


def initial(manifest: dict[str, dict]) -> set[str]:
    """The script, Cornerstone, and the worker that decodes."""
    worker = {
        f"viewer/assets/{path.name}" for path in (BUILD / "viewer" / "assets").glob("decodeImageFrameWorker-*.js")
    }
    assert len(worker) == 1
    return closure(manifest, "src/viewer/main.js", "src/viewer/reading.js") | worker


def test_the_initial_script_is_small_enough(manifest: dict[str, dict]) -> None:
    sizes = {name: len(gzip.compress((BUILD / name).read_bytes(), 9)) for name in initial(manifest)}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def lazy(manifest: dict[str, dict]) -> Iterator[str]:
    """Chunks that are fetched when they are needed, by how their sources are named."""
    for name, chunk in manifest.items():
        if chunk.get("isDynamicEntry") and chunk["file"] not in initial(manifest):
            yield name


def test_what_few_readers_need_comes_by_need(manifest: dict[str, dict]) -> None:
    found = set(lazy(manifest))
    assert "src/viewer/volume/session.js" in found
    assert any("lossless" in name for name in found)


def test_chunks_named_by_content_are_kept_by_browsers(manifest: dict[str, dict]) -> None:
    named = re.compile(settings.WHITENOISE_IMMUTABLE_FILE_TEST)
    chunks = initial(manifest) - {"viewer/viewer.js"}
    assert all(named.search(f"/static/{name}") for name in chunks)
    assert not named.search("/static/viewer/viewer.js")


@pytest.mark.parametrize(
    "kind", ["pdf", "report", "key_images", "mesh", "waveform", "slide", "video", "radiotherapy", "other"]
)
def test_a_kind_comes_when_the_first_series_of_it_is_opened(kind: str, manifest: dict[str, dict]) -> None:
    assert f"src/viewer/kinds/{kind}.js" in set(lazy(manifest))
