"""The viewer's modules without a browser: their own tests run in Node."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_viewers_script_keeps_its_contracts() -> None:
    node = shutil.which("node")
    assert node, "Node is needed to test what runs in the browser"

    suites = sorted((ROOT / "static/src/viewer").rglob("tests/*.test.js"))
    run = subprocess.run([node, "--test", *suites], capture_output=True, text=True, timeout=120)

    assert suites
    assert run.returncode == 0, run.stdout
