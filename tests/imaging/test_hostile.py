"""30,000 hostile files and more: the gate judges each within bounds, and all readers agree on what it lets in."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imaging.hostile import dcmtk, oracles
from tests.imaging.hostile.building import sound
from tests.imaging.hostile.cases import KINDS, Case, Expected
from tests.imaging.hostile.corpus import LEAST, USUAL, generate
from tests.imaging.hostile.oracles import (
    Violated,
    judge,
    judge_bounded,
    require_readable,
    require_same_in_pieces,
)

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY_KIB = 256 << 10
FEWEST_OF_A_KIND = 5


def run_corpus(share: int) -> dict:
    """All of it in one process of its own, without Django, whose peak of memory is then its own."""
    command = [sys.executable, "-m", "tests.imaging.hostile", str(share)]
    ran = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def report() -> dict:
    return run_corpus(USUAL)


def require_held(report: dict) -> None:
    assert report["inputs"] >= LEAST
    assert report["failures"] == 0, report["shown"]
    assert report["peak_kib"] < MOST_MEMORY_KIB


def test_no_input_does_what_none_may_do(report: dict) -> None:
    require_held(report)


def test_every_class_is_there_and_most_have_files_that_pass(report: dict) -> None:
    generated = {kind for kind in KINDS if "findings" not in kind}
    assert all(sum(report["kinds"][kind].values()) >= FEWEST_OF_A_KIND for kind in generated)
    assert sum("passed" in counts for counts in report["kinds"].values()) > 15


def test_every_reason_to_refuse_a_file_is_met(report: dict) -> None:
    refusing = {
        "NOT_DICOM", "ACTIVE_PREAMBLE", "DICOMDIR", "TRUNCATED", "LENGTH_LIES", "TRAILING_DATA", "NESTED_TOO_DEEP",
        "TOO_MANY_ELEMENTS", "HEADER_TOO_LARGE", "DEFLATE_BOMB", "DEFLATE_CORRUPT", "PIXEL_DIMENSIONS", "INVALID_UID",
        "MISSING_UID", "META_MISMATCH", "UNKNOWN_TRANSFER_SYNTAX", "DUPLICATE_ELEMENT", "BAD_VR", "BAD_TAG",
    }  # fmt: skip
    assert refusing <= set(report["reasons"])


@pytest.mark.skipif(not dcmtk.DCMDUMP, reason="DCMTK is not installed")
def test_dcmtk_reads_nearly_all_that_passes(report: dict) -> None:
    assert report["compared_with_dcmtk"] > 2000
    assert report["read_by_dcmtk"] > 0.99 * report["compared_with_dcmtk"]


def test_pydicom_reads_nearly_all_that_passes(report: dict) -> None:
    passed = sum(counts.get("passed", 0) for counts in report["kinds"].values())
    assert report["unreadable_by_pydicom"] < 0.01 * passed


@pytest.mark.full
def test_the_whole_corpus_holds() -> None:
    whole = run_corpus(256)
    require_held(whole)
    assert whole["inputs"] > 50_000


def test_the_corpus_is_the_same_each_time() -> None:
    assert [case.data for case in generate(2)] == [case.data for case in generate(2)]


def test_the_trial_notices_a_wrong_verdict() -> None:
    with pytest.raises(Violated, match="passes instead of refused"):
        judge_bounded(Case("", "", Expected.REFUSED, bytes(sound())))
    with pytest.raises(Violated, match="refused instead of passes"):
        judge_bounded(Case("", "", Expected.PASSES, b"x"))


def test_the_trial_notices_another_verdict_in_pieces() -> None:
    with pytest.raises(Violated, match="otherwise"):
        require_same_in_pieces(bytes(sound()), ("TRUNCATED", ""), random.Random(0))


def test_the_trial_notices_another_identity() -> None:
    passed = judge(bytes(sound()))
    other = bytes(sound("1.2.840.10008.1.2.1", (0x0020000D, "UI", b"1.2.3.4\0")))

    with pytest.raises(Violated, match="study_instance_uid"):
        require_readable(other, passed)
    if dcmtk.DCMDUMP:
        assert list(dcmtk.compare([(other, passed), (bytes(sound()), passed)])) == [
            (0, "another study_instance_uid"),
            (1, ""),
        ]


def test_the_trial_notices_too_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracles, "_CALLS", 10)
    monkeypatch.setattr(oracles, "_CALLS_PER_BYTE", 0)
    with pytest.raises(Violated, match="calls"):
        judge_bounded(Case("", "", Expected.PASSES, bytes(sound())))
