"""The same study on each side: sealed in ours, stored in bare Orthancs, as plain files below nginx."""

from dataclasses import dataclass

from infra.benchmarks import wire
from infra.benchmarks.examination import CtStudy
from infra.benchmarks.measuring import Bench
from infra.benchmarks.peers.nginx import Nginx
from infra.benchmarks.peers.orthanc import Orthanc
from infra.benchmarks.trees import Trees
from infra.benchmarks.wire import Wire

IN_A_REQUEST = 200
PACKED_AFTER_S = 8
FRAME_TYPE = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
FILE_TYPE = 'multipart/related; type="application/dicom"; transfer-syntax=*'
JSON_TYPE = "application/dicom+json"


@dataclass(frozen=True)
class Ours:
    """The product with a member's bearer token: reads and stores."""

    bench: Bench
    token: str
    name: str = "ours"
    dicomweb: str = "/t/northside/dicomweb"

    @classmethod
    def of(cls, bench: Bench) -> "Ours":
        return cls(bench, bench.stack.token("northside", "bob", "read", "store"))

    @property
    def origin(self) -> str:
        return self.bench.stack.origin

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def trees(self) -> Trees:
        return self.bench.stack.serving()

    def store(self, study: CtStudy) -> None:
        """Store and wait until the workers have packed it and drawn its thumbnail."""
        for at in range(0, len(study.slices), IN_A_REQUEST):
            body = stow_body(study, range(at, min(at + IN_A_REQUEST, len(study.slices))))
            with Wire(self.origin, self.headers) as connection:
                connection.call("POST", f"{self.dicomweb}/studies", body, Content_Type=wire.STOW_TYPE).read()

    def await_packed(self) -> None:
        self.bench.stack.await_idle(PACKED_AFTER_S)


class Bare:
    """An Orthanc; `ids` are its own identifiers of what was stored through here, by SOP Instance UID."""

    headers: dict[str, str] = {}
    dicomweb = "/dicom-web"

    def __init__(self, orthanc: Orthanc) -> None:
        self._orthanc = orthanc
        self.ids: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self._orthanc.name

    @property
    def origin(self) -> str:
        return self._orthanc.origin

    @property
    def finds_in_order(self) -> bool:
        """Whether `/tools/find` heeds `OrderBy`."""
        return tuple(map(int, self.name.split()[-1].split("."))) >= (1, 12, 5)

    def trees(self) -> Trees:
        return self._orthanc.trees()

    def store(self, study: CtStudy) -> None:
        with Wire(self.origin) as connection:
            for each in study.slices:
                stored = connection.call("POST", "/instances", each.content).read()
                self.ids[each.sop] = wire.json_field(stored, "ID")

    def study_id(self, study: CtStudy) -> str:
        """Its own identifier of a stored study."""
        with Wire(self.origin) as connection:
            path = f"/instances/{self.ids[study.slices[0].sop]}/study"
            return wire.json_field(connection.call("GET", path).read(), "ID")


@dataclass(frozen=True)
class Roof:
    """nginx as a side."""

    nginx: Nginx
    name: str = "nginx"

    @property
    def origin(self) -> str:
        return self.nginx.origin

    @property
    def headers(self) -> dict[str, str]:
        return {}

    def trees(self) -> Trees:
        return self.nginx.trees()


Side = Ours | Bare | Roof


def study_path(side: Ours | Bare, study: CtStudy) -> str:
    return f"{side.dicomweb}/studies/{study.study}"


def series_path(side: Ours | Bare, study: CtStudy) -> str:
    return f"{study_path(side, study)}/series/{study.series}"


def frame_paths(side: Ours | Bare, study: CtStudy) -> list[str]:
    """WADO-RS, in the order of the slices."""
    return [f"{series_path(side, study)}/instances/{each.sop}/frames/1" for each in study.slices]


def raw_frame_paths(side: Bare, study: CtStudy) -> list[str]:
    """Orthanc's own interface."""
    return [f"/instances/{side.ids[each.sop]}/frames/0/raw" for each in study.slices]


def stow_body(study: CtStudy, places: range) -> bytes:
    """Some of a study's slices as the body of one STOW-RS request."""
    parts = [part for place in places for part in (wire.STOW_HEAD, study.slices[place].content, b"\r\n")]
    return b"".join(parts[:-1]) + wire.STOW_TAIL
