"""What W8 and W9 share: archives of three sizes on our side, a smaller one in each Orthanc, and timed searches."""

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from infra.benchmarks.measuring import Bench, Sample, Scale, percentile, require_equal
from infra.benchmarks.peers.orthanc import Orthanc
from infra.benchmarks.sides import JSON_TYPE, Bare, Ours
from infra.benchmarks.synthetic_index import Study, SyntheticIndex
from infra.benchmarks.wire import Wire
from infra.local.programs import BACKUP_PROGRAM

SIZES = {Scale.QUICK: (200,), Scale.USUAL: (1_000, 100_000), Scale.FULL: (1_000, 100_000, 1_000_000)}
PEER_STUDIES = {Scale.QUICK: 50, Scale.USUAL: 1_000, Scale.FULL: 20_000}
PAGE = 25
_STUDY_UID = "0020000D"
_WARM_UPS, _AT_ONCE, _STORING = 96, 24, 4
_ARCHIVING_S = 1_800  # the longest that the WAL of a grown index takes


@dataclass(frozen=True)
class Search:
    """A search and what it must find: `matches` of a study; the page is the first of those in the archive's order."""

    parameters: dict[str, str]
    matches: Callable[[Study], bool]

    @property
    def path(self) -> str:
        # Orthanc does not decode %2A.
        return f"/studies?{urlencode(self.parameters | {'limit': str(PAGE)}, safe='*')}"


@dataclass(frozen=True)
class Found:
    """The Study Instance UIDs of an answer; `partial` if it says that the search stopped early."""

    uids: list[str]
    partial: bool


def grown_archives(bench: Bench, sizes: Sequence[int] = ()) -> Iterator[list[Study]]:
    """Our practice's studies, latest first, at each size of the scale, or of `sizes`.

    The backup is stopped: what years bring came within minutes, and sealing its WAL would take more than ten.
    """
    index = SyntheticIndex(bench.stack)
    bench.stack.stop_program(BACKUP_PROGRAM)
    for size in sizes or SIZES[bench.scale]:
        bench.say(f"growing the index to {size:,} studies")
        archive = index.grow(size)
        bench.stack.await_idle(seconds=_ARCHIVING_S)
        yield archive


def fill(bench: Bench, orthanc: Orthanc, stored: list[Study], archive: Sequence[Study]) -> None:
    """Store more of the archive's studies, one small instance each: as many as ours has, up to `PEER_STUDIES`."""
    known = {study.uid for study in stored}
    unknown = [study for study in archive if study.uid not in known]
    wanted = min(len(archive), PEER_STUDIES[bench.scale]) - len(stored)
    chosen = unknown[:: max(1, len(unknown) // max(1, wanted))][: max(0, wanted)]
    bench.say(f"storing {len(chosen):,} studies in {orthanc.name}")
    with ThreadPoolExecutor(_STORING) as crowd:
        list(crowd.map(lambda share: _store(orthanc, share), [chosen[start::_STORING] for start in range(_STORING)]))
    stored += chosen


def warm_up(side: Ours | Bare, searches: Sequence[Search]) -> None:
    """Let every thread of a server have its imports and its connections, as any day after dawn."""
    with ThreadPoolExecutor(_AT_ONCE) as crowd:
        list(crowd.map(lambda number: take(side, [searches[number % len(searches)]], None), range(_WARM_UPS)))


def take(side: Ours | Bare, searches: Sequence[Search], archive: Sequence[Study] | None) -> Sample:
    """Search one after the other over one connection; with an archive, raise `AnswerWrong` unless all is right."""
    times, answers, tree = [], [], side.trees()
    before = tree.cpu_s()
    with Wire(side.origin, side.headers) as connection:
        for search in searches:
            started = time.perf_counter()
            response = connection.call("GET", side.dicomweb + search.path, Accept=JSON_TYPE)
            body = response.read()
            times.append(time.perf_counter() - started)
            answers.append(_found(body, response.headers.get("Warning", "")))
    cpu_s = (tree.cpu_s() - before) / len(searches)
    if archive is not None:
        for search, found in zip(searches, answers, strict=True):
            require_equal(f"{side.name}, {search.parameters}", _is_right(side, search, found, archive))
    figures = {f"search_{number}_s": seconds for number, seconds in enumerate(times, 1)}
    figures["partial"] = sum(found.partial for found in answers)
    return Sample(percentile(times, 50), cpu_s, figures)


def times_of(samples: Sequence[Sample]) -> list[float]:
    """The seconds of every search."""
    return [value for each in samples for name, value in each.figures.items() if name.startswith("search_")]


def text_of(samples: Sequence[Sample]) -> str:
    """For the table."""
    times = times_of(samples)
    p50, p95, most = (percentile(times, percent) * 1000 for percent in (50, 95, 100))
    cpu_ms = sum(each.cpu_s for each in samples) / len(samples) * 1000
    return f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, most {most:.0f} ms of {len(times)}, CPU {cpu_ms:.1f} ms"


def _found(body: bytes, warning: str) -> Found:
    objects = json.loads(body or b"[]")
    return Found([each[_STUDY_UID]["Value"][0] for each in objects], "stopped before" in warning)


def _is_right(side: Ours | Bare, search: Search, found: Found, archive: Sequence[Study]) -> bool:
    if isinstance(side, Bare):
        # Its order is its own.
        matching = {study.uid for study in archive if search.matches(study)}
        return set(found.uids) <= matching and len(found.uids) == min(PAGE, len(matching))
    page = list(_first(search, archive))
    return found.uids == page[: len(found.uids)] if found.partial else found.uids == page


def _first(search: Search, archive: Sequence[Study]) -> Iterator[str]:
    count = 0
    for study in archive:
        if search.matches(study):
            yield study.uid
            count += 1
        if count == PAGE:
            return


def _store(orthanc: Orthanc, studies: Sequence[Study]) -> None:
    with Wire(orthanc.origin) as connection:
        for study in studies:
            connection.call("POST", "/instances", _small_file(study)).read()


def _small_file(study: Study) -> bytes:
    """An instance without pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, f"{study.uid}.1.1"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, f"{study.uid}.1.1"
    header.StudyInstanceUID, header.SeriesInstanceUID, header.Modality = study.uid, f"{study.uid}.1", "CT"
    header.PatientName, header.PatientID = study.patient_name, study.patient_id
    header.StudyDate = study.study_date.strftime("%Y%m%d") if study.study_date else ""
    written = io.BytesIO()
    dcmwrite(written, FileDataset("", header, file_meta=meta, preamble=bytes(128)), enforce_file_format=True)
    return written.getvalue()
