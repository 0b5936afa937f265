"""Discs for the upload page: many small images quickly, and what lies beside them on real discs."""

import io
import zipfile
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.imaging.dicom.hostile import tiny_instance

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MARK = b"70000000"


def images(count: int, *, prefix: str = "", side: int = 16, **tags: object) -> dict[str, bytes]:
    """`count` instances of one series, by path; made from one, of which only the SOP Instance UID changes."""
    tags = {"StudyDate": "20190102"} | tags  # older than what other walks look for on the first page
    study = str(tags.pop("StudyInstanceUID", None) or generate_uid())
    series = f"{study[:40]}.1"
    whole = tiny_instance(
        rows=side, columns=side, StudyInstanceUID=study, SeriesInstanceUID=series,
        SOPInstanceUID=f"{series}.{MARK.decode()}", **tags,
    )  # fmt: skip
    assert whole.count(MARK) == 2
    return {f"{prefix}IM{n:06}": whole.replace(MARK, str(10_000_000 + n).encode()) for n in range(count)}


def directory(*names: str) -> bytes:
    """A DICOMDIR that names these files."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set = FileDataset("DICOMDIR", {}, file_meta=meta, preamble=b"\0" * 128)
    data_set.FileSetID = "DISC"
    data_set.DirectoryRecordSequence = [_record(name) for name in names]
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _record(name: str) -> Dataset:
    record = Dataset()
    record.DirectoryRecordType = "IMAGE"
    record.add_new(0x00041500, "LO", name.replace("/", "\\"))  # CS, but for names that lead outside
    return record


def patients_disc() -> dict[str, bytes]:
    """Two patients, three studies, an index that misses a file, and what vendors and others put beside them."""
    jane = {"PatientName": "Rossi^Jane", "PatientID": "N-1042", "PatientBirthDate": "19820317"}
    jim = {"PatientName": "Weber^Jim", "PatientID": "N-2077", "PatientBirthDate": "19551102"}
    ct = {"StudyDescription": "CT Knee left", "StudyDate": "20190314"} | jane
    dx = {"StudyDescription": "Knee AP and lateral", "StudyDate": "20181120", "Modality": "DX"} | jane
    other = {"StudyDescription": "Thorax", "StudyDate": "20260102", "Modality": "CR"} | jim
    found = images(24, prefix="disc/CT/", side=96, **ct) | images(2, prefix="disc/DX/", side=64, **dx)
    found |= images(3, prefix="disc/JIM/", side=64, **other)
    index = directory("CT/IM000000", "CT/IM000099", "../../SECRET/IM1")
    return found | {
        "disc/DICOMDIR": index,
        "disc/VIEWER/START.EXE": b"MZ" + bytes(300),
        "disc/AUTORUN.INF": b"[autorun]\r\nopen=VIEWER\\START.EXE\r\n",
        "disc/LEAFLET.PDF": b"%PDF-1.7\n",
        "disc/free game.com": EICAR,
        "disc/Thumbs.db": b"x",
    }  # fmt: skip


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
