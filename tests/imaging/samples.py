"""Every file of pydicom's own test sets, of pydicom-data and of deid-data: what the archive does with each."""

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pydicom
from pydicom.misc import is_dicom

from imaging.dicom import reasons
from imaging.dicom.gate import Gate, Passed, Refused

TABLE = Path(__file__).resolve().parents[2] / "infra" / "docs" / "samples.md"
_FOLDERS = {
    "pydicom/": ("pydicom", "data/test_files"),
    "pydicom/charset_files/": ("pydicom", "data/charset_files"),
    "pydicom-data/": ("data_store", "data"),
    "deid-data/": ("deid_data", "data"),
}
_INTRODUCTION = """\
# What becomes of the sample files

Every file that comes with pydicom {pydicom}, pydicom-data {data} and deid-data {deid}: either it is stored, and WADO-RS
gives back the very bytes that came, or it is refused with a reason. `infra/test tests/imaging/test_every_sample.py`
stores them all and compares this table with what happened; with `COLLIMATE_WRITE_SAMPLES=1` in its environment it
writes the table first.

Some files are variants of one instance and share its SOP Instance UID. An archive takes the first and refuses the
others (`CONFLICT`, 0111H), so each of them is stored in a practice of its own here.

{stored} of {total} files are stored, {refused} refused.

| file | bytes | transfer syntax | verdict |
|---|---:|---|---|
"""

_REASONS = """
## Reasons

| code | what whoever sends it is told | Failure Reason (0008,1197) |
|---|---|---|
"""

VIEWER = """
## In the viewer

One file of each encoding, opened in Chromium by `tests/e2e/test_every_encoding.py`, which compares what is painted
with what pydicom or imagecodecs decode: no pixel differs by more than one step of 255 (JPEG with losses: twelve, as
decoders scale chroma up in their own ways). `--full` does so with every file. What the browser does not decode is asked
from the portal, which decodes it in its sandbox. Files named `made/…` are made by the test, of encodings that no sample
has.

| encoding | colour | depth | decoded | file |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Sample:
    """One file; `name` is its package and path, as the table has it."""

    name: str
    path: Path

    def read(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True)
class Verdict:
    """What became of a sample; `reason` is the code it was refused for, '' when it came back as it was."""

    sample: Sample
    reason: str = ""


def list_samples() -> list[Sample]:
    """All of them, by name."""
    return sorted((each for label, place in _FOLDERS.items() for each in _list(label, *place)), key=lambda s: s.name)


def judge(data: bytes) -> Passed:
    """What the gate says; raises Refused."""
    gate = Gate()
    gate.feed(data)
    return gate.finish()


def list_rounds(samples: Iterable[Sample]) -> list[list[Sample]]:
    """In each round no two samples are of the same instance."""
    rounds: dict[int, list[Sample]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for sample in samples:
        uid = _uid(sample)
        rounds[seen[uid] if uid else 0].append(sample)
        seen[uid] += 1
    return list(rounds.values())


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as `infra/docs/samples.md`."""
    refused = sum(bool(each.reason) for each in verdicts)
    head = _INTRODUCTION.format(
        pydicom=version("pydicom"), data=version("pydicom-data"), deid=version("deid-data"),
        total=len(verdicts), refused=refused, stored=len(verdicts) - refused,
    )  # fmt: skip
    rows = "".join(_row(each) for each in sorted(verdicts, key=lambda each: each.sample.name))
    return (
        head + rows + _REASONS + "".join(_meaning(code) for code in sorted({each.reason for each in verdicts} - {""}))
    )


def read_stored() -> str:
    """The part of `infra/docs/samples.md` that tells what is stored."""
    return TABLE.read_text().partition(VIEWER)[0]


def write_stored(text: str) -> None:
    """Write that part, and leave the other."""
    _, heading, shown = TABLE.read_text().partition(VIEWER)
    TABLE.write_text(text + heading + shown)


def read_shown() -> list[str]:
    """The lines of the part that tells what the viewer shows."""
    return TABLE.read_text().partition(VIEWER)[2].splitlines()


def write_shown(rows: Sequence[str]) -> None:
    """Write that part, and leave the other."""
    TABLE.write_text(read_stored() + VIEWER + "".join(f"{row}\n" for row in rows))


def _list(label: str, package: str, folder: str) -> list[Sample]:
    root = Path(find_spec(package).submodule_search_locations[0]) / folder
    found = (path for path in root.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    return [Sample(label + path.relative_to(root).as_posix(), path) for path in found]


def _uid(sample: Sample) -> str:
    try:
        return judge(sample.read()).sop_instance_uid
    except Refused:
        return ""


def _row(verdict: Verdict) -> str:
    sample = verdict.sample
    said = f"refused: `{verdict.reason}`" if verdict.reason else "stored, comes back byte for byte"
    return f"| {sample.name} | {sample.path.stat().st_size} | {_transfer_syntax(sample.path)} | {said} |\n"


def _meaning(code: str) -> str:
    reason = getattr(reasons, code)
    return f"| `{code}` | {reason.message} | {reason.failure_reason:04X}H |\n"


def _transfer_syntax(path: Path) -> str:
    if not is_dicom(path):
        return "–"
    meta = pydicom.dcmread(
        io.BytesIO(path.read_bytes()), specific_tags=["PatientID"], stop_before_pixels=True
    ).file_meta
    uid = meta.get("TransferSyntaxUID")
    return uid.name if uid else "–"
