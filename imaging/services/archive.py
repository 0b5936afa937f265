"""A study's original files as a ZIP: stored, streamed, with a length known before the first byte."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from uuid import UUID

from zipstream import ZipStream

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from imaging import access
from imaging.models import Instance, Series, Study
from imaging.selectors.instances import list_instances_of_study
from imaging.services.originals import iter_original, sealed_file
from imaging.services.sealed import Truncated

README = """\
This archive holds the images of one study in DICOM format, exactly as the practice received them.

Each folder under DICOM is one series; each .dcm file is one image or a stack of them. Any DICOM viewer opens them:
choose "open folder" and pick the folder DICOM. Doctors and dentists can import the whole folder into their system.

The files contain health information. Keep them where only people you trust can reach them.
"""


@dataclass(frozen=True)
class Archive:
    """A ZIP about to be streamed. `length` in bytes; names hold no PHI."""

    filename: str
    length: int
    _zip: ZipStream

    def chunks(self) -> Iterator[bytes]:
        """The bytes, once. A file that is not what was taken in breaks the stream off.

        Raises
        ------
        DigestDiffers
        NoCopyReadable
        Truncated
        """
        given = 0
        for chunk in self._zip:
            given += len(chunk)
            yield chunk
        if given != self.length:
            raise Truncated


def archive_of(actor: Actor, study_instance_uid: str) -> Archive:
    """The study as a ZIP for whoever may take its files away.

    Raises
    ------
    StudyNotFound
    NoAgreementInForce
    NoCopyReadable
    """
    study = access.study_to_download(actor, study_instance_uid)
    instances = list_instances_of_study(study)
    if instances:
        sealed_file(instances[0]).require_readable()
    archive = _pack(study, instances)
    details = {"instances": len(instances), "bytes": archive.length}
    record(Action.STUDY_DOWNLOADED, actor, study_instance_uid=study_instance_uid, details=details)
    return archive


def _pack(study: Study, instances: list[Instance]) -> Archive:
    packed = ZipStream(sized=True)
    packed.add(README, "README.txt")
    for name, instance in zip(_names(instances), instances, strict=True):
        packed.add(iter_original(instance), name, size=instance.size)
    return Archive(_filename(study), len(packed), packed)


def _filename(study: Study) -> str:
    return f"study-{study.study_date:%Y-%m-%d}.zip" if study.study_date else "study.zip"


def _names(instances: list[Instance]) -> Iterator[str]:
    """A path for each instance: `DICOM/2_CT/IM00001.dcm`, for Series Number 2."""
    folders: dict[UUID, str] = {}
    counts: Counter[UUID] = Counter()
    for instance in instances:
        series = instance.series
        if series.id not in folders:
            folders[series.id] = _folder(series, taken=set(folders.values()))
        counts[series.id] += 1
        yield f"DICOM/{folders[series.id]}/IM{counts[series.id]:05}.dcm"


def _folder(series: Series, taken: set[str]) -> str:
    """Series Number and modality; series that share both, which the standard allows, are told apart by a count."""
    modality = "".join(letter for letter in series.modality if letter.isascii() and letter.isalnum()) or "OT"
    number = len(taken) + 1 if series.series_number is None else series.series_number
    name = f"{number}_{modality}"
    return next(each for each in chain((name,), (f"{name}_{place}" for place in count(2))) if each not in taken)
