"""Which tests go to one worker together."""

import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
NOTE_THE_WORKER = """
import os, pathlib, pytest, time

@pytest.mark.parametrize("number", range(4))
def test_noted(number):
    time.sleep(0.05)
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{pathlib.Path(__file__).parent.name} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def test_one_worker_runs_all_end_to_end_tests_while_the_other_goes_on(tmp_path: Path) -> None:
    for name in ("e2e/test_one.py", "e2e/test_two.py", "unit/test_three.py", "unit/test_four.py"):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NOTE_THE_WORKER)
    notes = tmp_path / "notes"

    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "infra.worker_groups", "--rootdir", tmp_path,
               "--import-mode=importlib", "-c", "/dev/null", "tests"]  # fmt: skip
    environment = {"NOTES": str(notes), "PYTHONPATH": str(REPO), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in notes.read_text().splitlines()]
    assert len(lines) == 16
    together = {worker for folder, worker in lines if folder == "e2e"}
    assert len(together) == 1
    assert {worker for folder, worker in lines if folder == "unit"} - together
