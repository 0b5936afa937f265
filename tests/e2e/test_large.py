"""A large CBCT and a long CT go in, are packed and mirrored, and come out of the packs, in little memory."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
import pytest
from pydicom.uid import generate_uid

from tests.e2e.portal_client import PortalClient
from tests.e2e.stack import RunningStack, wait_until
from tests.imaging.dicom.hostile import tiny_instance
from tests.imaging.incoming import BOUNDARY, STOW_TYPE

MOST_BYTES = 250 << 20
SIDE = 512
FRAME_BYTES = SIDE * SIDE * 2
HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
END = f"--{BOUNDARY}--\r\n".encode()
SETTLED = """
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import Instance, Series, VaultObject
with tenant_scope(find_tenant("northside").id):
    series = Series.objects.filter(study__study_instance_uid__in={studies!r})
    waiting = VaultObject.objects.filter(series__in=series, retired_at=None)
    print(waiting.filter(in_1_at=None).count() + waiting.filter(in_2_at=None).count()
          + sum(each.manifest_instances != each.instance_count for each in series)
          + Instance.objects.filter(series__in=series, mirrored_at=None).count())
"""
PACKS = """
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from imaging.models import VaultObject
with tenant_scope(find_tenant("northside").id):
    packs = VaultObject.objects.filter(series__study__study_instance_uid={study!r}, kind="pack", retired_at=None)
    print(*[pack.member_count for pack in packs])
"""


@dataclass
class Examination:
    """A synthetic study: every frame is noise that follows from its number."""

    frames: int
    instances: int
    study: str = field(default_factory=generate_uid)
    series: str = field(default_factory=generate_uid)
    sops: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sops = [generate_uid() for _ in range(self.instances)]

    def frame(self, instance: int, number: int) -> bytes:
        return random.Random(f"{self.study}/{instance}/{number}").randbytes(FRAME_BYTES)

    def file(self, instance: int) -> Iterator[bytes]:
        tags = {"NumberOfFrames": self.frames} if self.frames > 1 else {}
        whole = tiny_instance(
            rows=SIDE, columns=SIDE, StudyInstanceUID=self.study, SeriesInstanceUID=self.series,
            SOPInstanceUID=self.sops[instance], InstanceNumber=instance + 1, **tags,
        )  # fmt: skip
        length = len(whole) - FRAME_BYTES
        # Pixel Data's length, the last four bytes of the header, is that of all frames.
        yield whole[: length - 4] + (self.frames * FRAME_BYTES).to_bytes(4, "little")
        for number in range(1, self.frames + 1):
            yield self.frame(instance, number)

    def body(self, instances: range) -> Iterator[bytes]:
        for instance in instances:
            yield HEAD
            yield from self.file(instance)
            yield b"\r\n"
        yield END


class Watch:
    """The largest resident set of any one of the stack's web and worker processes, sampled all the time."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._stop = threading.Event()
        self.largest: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for words in (("granian",), ("celery", "worker")):
                for process in self._stack.processes(*words):
                    self._look(" ".join(words), process)

    def _look(self, name: str, process: psutil.Process) -> None:
        try:
            self.largest[name] = max(self.largest.get(name, 0), process.memory_info().rss)
        except psutil.NoSuchProcess:
            return


def store(client: PortalClient, body: Iterator[bytes]) -> None:
    answer = client.session.post(f"{client.root}/studies", data=body, headers={"Content-Type": STOW_TYPE}, timeout=600)
    assert answer.status_code == 200, answer.text[:500]


def settled(stack: RunningStack, *studies: str) -> Callable[[], bool]:
    def look() -> bool:
        time.sleep(3)
        return stack.python(SETTLED.format(studies=list(studies))).split()[-1] == "0"

    return look


@pytest.mark.e2e
@pytest.mark.full
def test_a_large_cbct_and_a_long_ct_are_packed_mirrored_and_served_without_orthanc(stack: RunningStack) -> None:
    client = PortalClient(stack.origin, "northside", stack.token("northside", "bob", "read", "store"))
    cbct, ct = Examination(frames=1000, instances=1), Examination(frames=1, instances=2000)
    with Watch(stack) as watch:
        store(client, cbct.body(range(1)))
        for start in range(0, 2000, 200):
            store(client, ct.body(range(start, start + 200)))
        wait_until(settled(stack, cbct.study, ct.study), 900, "packing and mirroring")
        stack.stop_nodes()
        try:
            for _ in range(20):
                number, instance = random.randint(1, 1000), random.randrange(2000)
                assert client.frame(cbct.study, cbct.series, cbct.sops[0], number) == cbct.frame(0, number)
                assert client.frame(ct.study, ct.series, ct.sops[instance]) == ct.frame(instance, 1)
            metadata = client.get(f"studies/{ct.study}/series/{ct.series}/metadata").json()
            assert len(metadata) == 2000
        finally:
            stack.start_nodes()

    packs = stack.python(PACKS.format(study=ct.study)).split()
    assert sum(map(int, packs)) == 2000
    assert len(packs) < 20
    print(f"largest resident sets: { {name: f'{size >> 20} MB' for name, size in watch.largest.items()} }")
    assert all(size < MOST_BYTES for size in watch.largest.values()), watch.largest
