"""Synthetic examinations: sound DICOM whose pixels are noise, so that nothing can be compressed or recognised."""

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

SIDE = 512  # pixels
FRAME_BYTES = SIDE * SIDE * 2
_FRAMES_AT_ONCE = 32
_STUB = b"\0\0"  # stands for the pixels while the header is written


@dataclass(frozen=True)
class Cbct:
    """A multi-frame file on disk; `header_bytes` come before the pixels."""

    path: Path
    frames: int
    header_bytes: int
    study: str
    series: str
    sop: str

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def frame(self, number: int) -> bytes:
        """The stored bytes of frame `number`, counted from 1."""
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), FRAME_BYTES, self.header_bytes + (number - 1) * FRAME_BYTES)


def write_cbct(path: Path, frames: int) -> Cbct:
    """A file that nobody has seen: fresh UIDs, fresh noise, written out to the disk."""
    study, series, sop = generate_uid(), generate_uid(), generate_uid()
    header = _header(EnhancedCTImageStorage, study, series, sop, 1, frames)
    noise = np.random.default_rng()
    with path.open("wb") as file:
        file.write(header)
        for start in range(0, frames, _FRAMES_AT_ONCE):
            file.write(noise.bytes(min(_FRAMES_AT_ONCE, frames - start) * FRAME_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return Cbct(path, frames, len(header), study, series, sop)


@dataclass(frozen=True)
class Slice:
    """A single-frame file in memory; its pixels are its last `FRAME_BYTES`."""

    sop: str
    content: bytes

    @property
    def frame(self) -> bytes:
        return self.content[-FRAME_BYTES:]


@dataclass(frozen=True)
class CtStudy:
    """A study of one series that nobody has seen; `slices` by Instance Number."""

    study: str
    series: str
    slices: list[Slice]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(len(each.content) for each in self.slices)


def ct_study(count: int) -> CtStudy:
    """A CT of `count` slices, in memory."""
    study, series, noise = generate_uid(), generate_uid(), np.random.default_rng()
    slices = []
    for number in range(1, count + 1):
        sop = generate_uid()
        slices.append(Slice(sop, _header(CTImageStorage, study, series, sop, number, 1) + noise.bytes(FRAME_BYTES)))
    return CtStudy(study, series, slices)


def ct_slice(study: str, series: str, number: int) -> bytes:
    """One slice of a CT."""
    header = _header(CTImageStorage, study, series, generate_uid(), number, 1)
    return header + np.random.default_rng().bytes(FRAME_BYTES)


def _header(sop_class: str, study: str, series: str, sop: str, number: int, frames: int) -> bytes:
    """A Part 10 file up to the first byte of its pixels."""
    data_set = _data_set(sop_class, study, series, sop, number)
    if frames > 1:
        data_set.NumberOfFrames = frames
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, sop
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole = io.BytesIO()
    dcmwrite(whole, FileDataset("", data_set, file_meta=meta, preamble=bytes(128)), enforce_file_format=True)
    # Pixel Data's length, the last four bytes of the header, is that of all frames.
    return whole.getvalue()[: -4 - len(_STUB)] + (frames * FRAME_BYTES).to_bytes(4, "little")


def _data_set(sop_class: str, study: str, series: str, sop: str, number: int) -> Dataset:
    data_set = Dataset()
    values = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": sop_class, "SOPInstanceUID": sop,
        "StudyInstanceUID": study, "SeriesInstanceUID": series, "StudyDate": "20260102", "StudyTime": "030405",
        "AccessionNumber": "B1", "Modality": "CT", "PatientName": "Bench^Synthetic", "PatientID": "BENCH",
        "PatientBirthDate": "19700131", "PatientSex": "O", "SeriesNumber": 1, "InstanceNumber": number,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": SIDE, "Columns": SIDE,
        "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0,
    }  # fmt: skip
    for keyword, value in values.items():
        setattr(data_set, keyword, value)
    data_set.PixelData = _STUB
    data_set["PixelData"].VR = "OW"
    return data_set
