"""What the fuzzer once found stays mended, and the fuzzer itself works."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.fuzzing.reducing import reduce
from infra.fuzzing.seeds import write_seeds, write_words
from infra.fuzzing.targets import TARGETS
from tests.imaging.hostile.findings import FOLDER, WHY

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", WHY)
def test_what_was_found_holds_now(name: str) -> None:
    TARGETS[name.split("/")[0]]((FOLDER / name).read_bytes())


def test_every_finding_is_told_of() -> None:
    assert {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.bin")} == set(WHY)


def test_a_finding_is_reduced_to_what_matters() -> None:
    def breaks(data: bytes) -> None:
        if b"BAD" in data and b"!" in data:
            raise KeyError("here")

    assert reduce(b"x" * 500 + b"BAD" + b"y" * 300 + b"!" + b"z" * 99, breaks) == (b"BAD!", "KeyError: 'here'")
    assert reduce(b"fine", breaks) == (b"fine", "")


@pytest.mark.parametrize("target", TARGETS)
def test_the_seeds_of_every_target_hold(target: str, tmp_path: Path) -> None:
    assert write_seeds(target, tmp_path / "seeds") > 5
    for number, file in enumerate(sorted((tmp_path / "seeds").iterdir())):
        if number % 7 == 0:
            TARGETS[target](file.read_bytes())
    write_words(target, tmp_path / "words")
    assert (tmp_path / "words").read_text().startswith('"\\x')


def test_the_fuzzer_runs_and_finds_nothing_at_once(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "infra.fuzzing", "3", "accept"]
    ran = subprocess.run(
        command, cwd=ROOT, env={"COLLIMATE_VAR": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert b"0 findings" in ran.stdout
    assert int(ran.stdout.split(b"seeds")[1].split()[0]) > 100


def test_a_target_that_is_not_there_is_named() -> None:
    ran = subprocess.run([sys.executable, "-m", "infra.fuzzing", "nonsense"], cwd=ROOT, capture_output=True)

    assert ran.returncode == 1
    assert b"nonsense" in ran.stderr
