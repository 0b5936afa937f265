"""Fuzz each target, one after the other, as the least important work on this machine; findings are reduced and named.

`python -m infra.fuzzing [SECONDS] [TARGET]`; see infra/docs/gate.md.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from infra.fuzzing.reducing import reduce
from infra.fuzzing.seeds import LARGEST, write_seeds, write_words
from infra.fuzzing.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("COLLIMATE_VAR", ROOT / "var")) / "fuzz"
SECONDS = 60
_LIMITS = ("-timeout=20", "-rss_limit_mb=1500", f"-max_len={LARGEST}", "-print_final_stats=1", "-use_value_profile=1")
_EXECUTIONS = re.compile(r"number_of_executed_units:\s+(\d+)")
_INTERRUPTED = "run interrupted"
_COVERAGE = re.compile(r"cov: (\d+)")


def fuzz(target: str, seconds: int) -> list[Path]:
    """Run one target; what it found."""
    folder = FOLDER / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    (folder / "findings").mkdir(exist_ok=True)
    seeds = write_seeds(target, folder / "seeds")
    write_words(target, folder / "words")
    started = time.time()
    log = folder / "log"
    own = [*_LIMITS, f"-max_total_time={seconds}", f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/findings/"]
    command = ["nice", "-n", "19", sys.executable, "-m", "infra.fuzzing.child", target, *own]
    with log.open("wb") as output:
        subprocess.run(
            [*command, folder / "corpus", folder / "seeds"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    text = log.read_text(errors="replace")
    executions, coverage = (pattern.findall(text) or ["0"] for pattern in (_EXECUTIONS, _COVERAGE))
    found = [file for file in sorted((folder / "findings").iterdir()) if file.stat().st_mtime >= started]
    figures = f"{seeds:6} seeds {int(executions[-1]):10} runs {coverage[-1]:>6} edges {len(found)} findings"
    print(f"{target:10} {figures}{', interrupted' if _INTERRUPTED in text else ''}", flush=True)
    if not found and not int(executions[-1]):
        raise SystemExit(f"The fuzzer did not run; see {log}.")
    return found


def show(target: str, file: Path) -> None:
    """Reduce a finding beside itself, and say what is wrong."""
    small, failure = reduce(file.read_bytes(), TARGETS[target])
    reduced = file.with_suffix(".reduced")
    reduced.write_bytes(small)
    print(f"  {file.name}: {failure or 'slow or large; see the log'}\n  reduced to {len(small)} bytes: {reduced}")
    print(f"  {small[:200].hex()}")


def main(words: list[str]) -> int:
    seconds = next((int(word) for word in words if word.isdigit()), SECONDS)
    targets = [word for word in words if not word.isdigit()] or list(TARGETS)
    if unknown := set(targets) - set(TARGETS):
        raise SystemExit(f"No such target: {', '.join(unknown)}. There are: {', '.join(TARGETS)}.")
    findings = [(target, file) for target in targets for file in fuzz(target, seconds)]
    for target, file in findings:
        show(target, file)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
