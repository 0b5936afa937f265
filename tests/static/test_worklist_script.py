"""The worklist's modules without a browser: their own tests run in Node."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_worklist_script_keeps_its_contracts() -> None:
    node = shutil.which("node")
    assert node, "Node is needed to test what runs in the browser"

    suite = ROOT / "static/src/worklist/tests/worklist.test.js"
    run = subprocess.run([node, "--test", suite], capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stdout
