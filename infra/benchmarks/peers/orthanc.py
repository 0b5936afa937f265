"""A bare Orthanc: no authentication, no seal, no tenants, no plugin but DICOMweb, and its best settings."""

import json
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import requests

from infra.benchmarks.trees import Trees
from infra.local.children import ends_with_us
from infra.local.ports import free_port
from infra.local.waiting import came_up
from infra.orthanc.node_config import PLUGIN_DIR

START_S = 60


class OrthancFailed(Exception):
    """It did not come up; the text is the end of its log."""


@dataclass(frozen=True)
class Installation:
    """One version of Orthanc. Those in folders of other suites need a command and an environment of their own."""

    command: tuple[str, ...] = ("Orthanc",)
    dicomweb: Path = PLUGIN_DIR / "libOrthancDicomWeb.so"
    environment: dict[str, str] | None = None


@dataclass
class Orthanc:
    """A server under `directory`; `stop` and `start` keep what it stored."""

    directory: Path
    installation: Installation = field(default_factory=Installation)
    port: int = field(default_factory=free_port)
    name: str = ""  # `Orthanc 1.10.1`, once it runs
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> Path:
        """Where it keeps its files."""
        return self.directory / "storage"

    def start(self) -> None:
        """Raises `OrthancFailed`."""
        self.storage.mkdir(parents=True, exist_ok=True)
        config = self.directory / "config.json"
        config.write_text(json.dumps(self._config()))
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.installation.command, str(config)], env=self.installation.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, preexec_fn=ends_with_us(signal.SIGKILL),
            )  # fmt: skip
        if not came_up(self.process, self._answers, START_S):
            self.stop()
            raise OrthancFailed((self.directory / "log").read_text(errors="replace")[-2000:])
        self.name = self.version()

    def stop(self) -> None:
        """As a supervisor would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_S)
            self.process = None

    def restart(self) -> None:
        """Its caches are in its memory: so they go."""
        self.stop()
        self.start()

    def trees(self) -> Trees:
        """Its process."""
        return Trees([self.process.pid] if self.process else [])

    def version(self) -> str:
        """`Orthanc 1.10.1`."""
        return f"Orthanc {requests.get(f'{self.origin}/system', timeout=5).json()['Version']}"

    def find_instance(self, sop_instance_uid: str) -> str:
        """Its own identifier of an instance."""
        found = requests.post(f"{self.origin}/tools/lookup", data=sop_instance_uid, timeout=60).json()
        return next(str(each["ID"]) for each in found if each["Type"] == "Instance")

    def forget(self, identifier: str) -> None:
        """Delete an instance: the same file can be stored again."""
        requests.delete(f"{self.origin}/instances/{identifier}", timeout=60).raise_for_status()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.origin}/system", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def _config(self) -> dict[str, object]:
        return {
            "Name": "bare", "StorageDirectory": str(self.storage), "IndexDirectory": str(self.directory),
            "HttpPort": self.port, "DicomServerEnabled": False, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "Plugins": [str(self.installation.dicomweb)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
            "StorageCompression": False, "HttpCompressionEnabled": False, "KeepAlive": True, "TcpNoDelay": True,
            "MaximumStorageCacheSize": 2048, "StorageAccessOnFind": "Never", "OverwriteInstances": False,
        }  # fmt: skip
