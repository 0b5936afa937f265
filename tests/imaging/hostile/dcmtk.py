"""DCMTK as another reader of what the gate let in; one process reads many files."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from imaging.dicom.gate import Passed
from tests.imaging.hostile.oracles import IDENTITY, PATIENT_ID, raw_patient_id

DCMDUMP = shutil.which("dcmdump")
_FILE = re.compile(r"^# dcmdump \((\d+)/\d+\): ", re.MULTILINE)
_LINE = re.compile(
    r"^\(([0-9a-f]{4}),([0-9a-f]{4})\) (..) (?:\[(.*)\]|=(\S+)|\((no value available)\))? *#", re.MULTILINE
)
_OCTAL = re.compile(rb"\\([0-7]{3})")


def compare(sample: list[tuple[bytes, Passed]]) -> Iterator[tuple[int, str]]:
    """(place in the sample, "" or how DCMTK sees another object than the gate) of each file that DCMTK reads."""
    if not DCMDUMP:
        return
    with tempfile.TemporaryDirectory() as folder:
        for number, (data, _) in enumerate(sample, 1):
            (Path(folder) / f"{number:05}").write_bytes(data)
        names = [f"{number:05}" for number in range(1, len(sample) + 1)]
        for number, seen in _dump(names, folder):
            if any(tag >> 16 > 2 for tag in seen):
                yield number - 1, _difference(sample[number - 1][1], seen)


def _dump(names: list[str], folder: str) -> Iterator[tuple[int, dict[int, tuple[str, str]]]]:
    command = [DCMDUMP, "-q", "-Un", "+F", "+L", "+Qo", *names]
    output = subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout.decode("latin-1")
    parts = _FILE.split(output)[1:]
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        found = _LINE.findall(text)
        yield int(number), {int(group + element, 16): (vr, value) for group, element, vr, value, *_ in found}


def _difference(passed: Passed, seen: dict[int, tuple[str, str]]) -> str:
    for tag, name in IDENTITY.items():
        vr, value = seen.get(tag, ("", ""))
        if vr == "UI" and value.rstrip(" ") != getattr(passed, name):
            return f"another {name}"
    ours = raw_patient_id(passed)
    vr, value = seen.get(PATIENT_ID, ("LO", ""))
    if ours is not None and vr == "LO" and _unquoted(value) != ours.rstrip(b" \0"):
        return "another patient"
    return ""


def _unquoted(value: str) -> bytes:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), value.encode("latin-1")).rstrip(b" \0")
