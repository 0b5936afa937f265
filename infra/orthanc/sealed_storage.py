"""Orthanc's storage area, sealed: the script its Python plugin runs ("PythonScript").

Whatever raises while this file is imported keeps Orthanc from starting, and that is wanted: a node that
cannot seal must not run. Orthanc's index (SQLite) is outside the storage area and holds names in the clear:
it belongs on an encrypted volume.

Environment:
    COLLIMATE_NODE_KEY       the node's key, 64 hexadecimal digits; or
    COLLIMATE_NODE_KEY_FILE  a file that holds them
    COLLIMATE_NODE_STORAGE   the folder of the sealed files
    COLLIMATE_NODE_SITE      the folder with the hash-locked `cryptography` (plugin_site.py)
"""

import json
import os
import re
import sys
from pathlib import Path

import orthanc

SITE = Path(os.environ["COLLIMATE_NODE_SITE"]).resolve()
sys.path.insert(0, str(SITE))

import cryptography  # noqa: E402  only now can it be found
from sealed_file import associated_data, seal, unseal  # noqa: E402

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEY_PROOF_TEXT = b"sealed with this node's key"


class SealedStorage:
    """Files of one node under `root`, sealed with `key` and bound to `node`, their uuid and content type."""

    def __init__(self, root: Path, key: bytes, node: str) -> None:
        self._root, self._key, self._node = root, key, node
        self._incoming = root / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._drop_unfinished()
        self._prove_key()

    def create(self, uuid: str, content_type: int, content: bytes) -> None:
        """Seal `content`; when this returns it survives a power cut."""
        path = self._path(uuid)
        _make_folder(path.parent)
        self._write(path, associated_data(self._node, uuid, int(content_type)), content)

    def read(self, uuid: str, content_type: int) -> bytes:
        """Return what was created. Raises SealBroken, FileNotFoundError."""
        with self._path(uuid).open("rb") as sealed:
            return unseal(self._key, associated_data(self._node, uuid, int(content_type)), sealed)

    def remove(self, uuid: str, content_type: int) -> None:
        """Remove the file; removing it again is no error."""
        path = self._path(uuid)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            _sync_folder(path.parent)

    def _path(self, uuid: str) -> Path:
        if not UUID.fullmatch(uuid):
            raise ValueError("not a uuid of Orthanc's")
        # 4096 folders: few enough to exist soon (a new one costs a sync), enough for 20 million files.
        return self._root / uuid[:3] / uuid

    def _write(self, path: Path, aad: bytes, content: bytes) -> None:
        unfinished = self._incoming / f"{path.name}.{os.urandom(8).hex()}"
        try:
            self._write_unfinished(unfinished, aad, content)
            os.rename(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def _write_unfinished(self, unfinished: Path, aad: bytes, content: bytes) -> None:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for piece in seal(self._key, aad, content):
                _write_all(file.fileno(), piece)
            os.fsync(file.fileno())

    def _drop_unfinished(self) -> None:
        for left_by_a_crash in self._incoming.iterdir():
            left_by_a_crash.unlink()

    def _prove_key(self) -> None:
        """Refuse a key that the folder was not begun with, before it mixes two keys in one folder."""
        proof, aad = self._root / "key-proof", associated_data(self._node, "key-proof", 0)
        if not proof.exists():
            self._write(proof, aad, KEY_PROOF_TEXT)
        with proof.open("rb") as sealed:
            unseal(self._key, aad, sealed)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _make_folder(folder: Path) -> None:
    """Create `folder` and make its name durable; its parents likewise."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _node_key() -> bytes:
    given = os.environ.pop("COLLIMATE_NODE_KEY", "")
    digits = given or Path(os.environ["COLLIMATE_NODE_KEY_FILE"]).read_text()
    key = bytes.fromhex(digits.strip())
    if len(key) != 32:
        raise ValueError("the node's key is not 32 bytes")
    return key


def _require_locked_cryptography() -> None:
    if SITE not in Path(cryptography.__file__).resolve().parents:
        raise ImportError("cryptography is not the one of COLLIMATE_NODE_SITE")


def _open_storage() -> SealedStorage:
    node = json.loads(orthanc.GetConfiguration())["Name"]
    return SealedStorage(Path(os.environ["COLLIMATE_NODE_STORAGE"]), _node_key(), node)


_require_locked_cryptography()
_storage = _open_storage()
orthanc.RegisterStorageArea(_storage.create, _storage.read, _storage.remove)
