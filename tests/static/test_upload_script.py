"""The upload page's modules without a browser: their own tests run in Node."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_upload_script_keeps_its_contracts() -> None:
    node = shutil.which("node")
    assert node, "Node is needed to test what runs in the browser"

    suites = sorted(ROOT.glob("static/src/upload/tests/*.test.js"))
    run = subprocess.run([node, "--test", *suites], capture_output=True, text=True, timeout=120)

    assert run.returncode == 0, run.stdout
