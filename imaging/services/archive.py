"""A study's original files as a ZIP: stored, streamed, of known length, and any range of it without the rest."""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, groupby
from uuid import UUID

from blake3 import blake3

from audit.actions import Action
from audit.actor import Actor
from audit.services import record, record_viewing
from imaging import access
from imaging.models import Study
from imaging.selectors.archives import ArchivedFile, list_archived_files
from imaging.services.archive_layout import Entry, Extent, Layout
from imaging.services.conditions import ANYTHING, Conditions, entity_tag
from imaging.services.originals import DigestDiffers
from imaging.services.sealed import SealedObject, Truncated

README = b"""\
This archive holds the images of one study in DICOM format, exactly as the practice received them.

Each folder under DICOM is one series; each .dcm file is one image or a stack of them. Any DICOM viewer opens them:
choose "open folder" and pick the folder DICOM. Doctors and dentists can import the whole folder into their system.

The files contain health information. Keep them where only people you trust can reach them.
"""
_README_NAME = "README.txt"


@dataclass(frozen=True)
class Archive:
    """A ZIP about to be streamed: its `length` bytes, or those of `extent` (start, length). Names hold no PHI."""

    filename: str
    etag: str
    tenant_id: UUID
    files: list[ArchivedFile]
    layout: Layout
    extent: tuple[int, int] | None = None

    @property
    def length(self) -> int:
        return self.layout.length

    def require_readable(self) -> None:
        """Raise `NoCopyReadable` unless the first file that is wanted can be opened."""
        extents = (segment for segment in self._segments() if isinstance(segment, Extent) and segment.place)
        if first := next(extents, None):
            file = self.files[first.place - 1]
            SealedObject(self.tenant_id, file.pack_id, file.pack_offset, file.size).require_readable()

    def chunks(self) -> Iterator[bytes]:
        """The bytes, once. A file that is not what was taken in breaks the stream off before its last piece.

        Raises
        ------
        DigestDiffers
            Of a file that is given from its first byte to its last; others are authenticated by the vault alone.
        NoCopyReadable
        Truncated
        """
        pieces = self._pieces_of_files()
        for segment in self._segments():
            if isinstance(segment, bytes):
                yield segment
            elif segment.place:
                yield from _checked(self.files[segment.place - 1], segment, pieces)
            else:
                yield README[segment.offset : segment.offset + segment.length]

    def _segments(self) -> Iterator[bytes | Extent]:
        start, length = self.extent or (0, self.length)
        return self.layout.segments(start, start + length)

    def _pieces_of_files(self) -> Iterator[bytes]:
        """The bytes of all files that are wanted, in turn; no piece belongs to two. A pack is opened once."""
        wanted = (
            (self.files[segment.place - 1], segment)
            for segment in self._segments()
            if isinstance(segment, Extent) and segment.place
        )
        for pack_id, run in groupby(wanted, key=lambda each: each[0].pack_id):
            extents = ((file.pack_offset + segment.offset, segment.length) for file, segment in run)
            yield from SealedObject(self.tenant_id, pack_id).iter_extents(extents)


def archive_of(actor: Actor, study_instance_uid: str, conditions: Conditions = ANYTHING) -> Archive:
    """The study as a ZIP, or the range of it that is wanted, for whoever may take its files away.

    Each whole download is in the trail; ranges, which a resumed download asks for by the dozen, once in a quarter of
    an hour.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    RangeNotSatisfiable
    """
    study = access.study_to_download(actor, study_instance_uid)
    archive = _pack(study)
    archive = replace(archive, extent=conditions.extent(archive.etag, archive.length))
    archive.require_readable()
    if archive.extent:
        record_viewing(Action.STUDY_DOWNLOADED, actor, study_instance_uid=study_instance_uid)
    else:
        details = {"instances": len(archive.files), "bytes": archive.length}
        record(Action.STUDY_DOWNLOADED, actor, study_instance_uid=study_instance_uid, details=details)
    return archive


def _pack(study: Study) -> Archive:
    files = list_archived_files(study)
    names, at = list(_names(files)), study.received_at  # one time for all, which never changes
    entries = [Entry(_README_NAME, len(README), zlib.crc32(README), at)]
    entries += [Entry(name, file.size, file.crc32, at) for name, file in zip(names, files, strict=True)]
    return Archive(_filename(study), _etag(study, names, files), study.tenant_id, files, Layout(entries))


def _etag(study: Study, names: list[str], files: list[ArchivedFile]) -> str:
    """Another one whenever a byte of the archive is another."""
    digests = b"".join(bytes(file.digest) for file in files)
    return entity_tag(study.tenant_id, README, study.received_at.isoformat(), digests, *names)


def _checked(file: ArchivedFile, extent: Extent, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The next `extent.length` bytes of the stream; of a whole file the last piece only if the digest is right."""
    digest, left = blake3(), extent.length
    whole = extent.length == file.size
    while left > 0:
        piece = next(pieces, b"")
        if not piece:
            raise Truncated
        left -= len(piece)
        if whole:
            digest.update(piece)
            if not left and digest.digest() != bytes(file.digest):
                raise DigestDiffers
        yield piece


def _filename(study: Study) -> str:
    return f"study-{study.study_date:%Y-%m-%d}.zip" if study.study_date else "study.zip"


def _names(files: list[ArchivedFile]) -> Iterator[str]:
    """A path for each file: `DICOM/2_CT/IM00001.dcm`, for Series Number 2."""
    folders: dict[UUID, str] = {}
    counts: Counter[UUID] = Counter()
    for file in files:
        if file.series_id not in folders:
            folders[file.series_id] = _folder(file, taken=set(folders.values()))
        counts[file.series_id] += 1
        yield f"DICOM/{folders[file.series_id]}/IM{counts[file.series_id]:05}.dcm"


def _folder(file: ArchivedFile, taken: set[str]) -> str:
    """Series Number and modality; series that share both, which the standard allows, are told apart by a count."""
    modality = "".join(letter for letter in file.modality if letter.isascii() and letter.isalnum()) or "OT"
    number = len(taken) + 1 if file.series_number is None else file.series_number
    name = f"{number}_{modality}"
    return next(each for each in chain((name,), (f"{name}_{place}" for place in count(2))) if each not in taken)
