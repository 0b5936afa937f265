"""A node in memory. It passes the real one's contract (tests/imaging/adapters/test_orthanc_contract.py)."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from imaging.adapters.orthanc import (
    UID,
    InstanceAmbiguous,
    InstanceMissing,
    InstanceUnreadable,
    NodeRefused,
    NodeUnavailable,
)
from imaging.adapters.stow import LengthMismatch


class _Key(NamedTuple):
    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class FakeOrthancNode:
    """The public interface of OrthancNode.

    `down` makes every call raise NodeUnavailable; `refused` and `unreadable` hold SOP Instance UIDs that the
    node will not take or cannot give back; `instances` is what it holds.
    """

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.down = False
        self.refused: set[str] = set()
        self.unreadable: set[str] = set()
        self.instances: dict[_Key, bytes] = {}

    def is_alive(self) -> bool:
        return not self.down

    def system(self) -> dict[str, Any]:
        self._require_up()
        return {"Name": self.name, "Version": "1.10.1"}

    def store_instance(self, chunks: Iterable[bytes], length: int) -> None:
        self._require_up()
        content = b"".join(chunks)
        if len(content) != length:
            raise LengthMismatch("not as many bytes as announced")
        key = _key_of(content)
        if key.sop_instance_uid in self.refused:
            raise NodeRefused("HTTP 400")
        self.instances.setdefault(key, content)

    def has_instance(self, sop_instance_uid: str) -> bool:
        return bool(self._found(sop_instance_uid=sop_instance_uid))

    def read_instance(self, sop_instance_uid: str) -> Iterator[bytes]:
        found = self._found(sop_instance_uid=sop_instance_uid)
        if not found:
            raise InstanceMissing("no such instance")
        if len(found) > 1:
            raise InstanceAmbiguous(f"{len(found)} instances")
        if sop_instance_uid in self.unreadable:
            raise InstanceUnreadable("HTTP 500")
        return iter([self.instances[found[0]]])

    def delete_instance(self, sop_instance_uid: str) -> bool:
        return self._drop(self._found(sop_instance_uid=sop_instance_uid))

    def delete_study(self, study_instance_uid: str) -> bool:
        return self._drop(self._found(study_instance_uid=study_instance_uid))

    def count_instances(self) -> int:
        self._require_up()
        return len(self.instances)

    def list_study_uids(self) -> list[str]:
        self._require_up()
        return sorted({key.study_instance_uid for key in self.instances})

    def _found(self, **wanted: str) -> list[_Key]:
        [(level, uid)] = wanted.items()
        if not UID.fullmatch(uid):
            raise ValueError("not a UID")
        self._require_up()
        return [key for key in self.instances if getattr(key, level) == uid]

    def _drop(self, keys: list[_Key]) -> bool:
        for key in keys:
            del self.instances[key]
        return bool(keys)

    def _require_up(self) -> None:
        if self.down:
            raise NodeUnavailable("ConnectionError")


def _key_of(content: bytes) -> _Key:
    try:
        dataset = dcmread(BytesIO(content), stop_before_pixels=True)
        return _Key(
            str(dataset.get("PatientID", "")).strip(),
            str(dataset.StudyInstanceUID),
            str(dataset.SeriesInstanceUID),
            str(dataset.SOPInstanceUID),
        )
    except (InvalidDicomError, AttributeError, EOFError):
        raise NodeRefused("HTTP 400") from None
