"""One Orthanc node: STOW-RS to put instances in, Orthanc's own REST interface for the rest.

Instances and studies are named by their DICOM UIDs only. Orthanc's own ids never leave this module, and only
ids that look like ids go into a path. This is the one module that imports orthanc-rest-client (GPL-3).
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import requests
from apiron import Timeout
from orthanc_rest_client import Orthanc
from orthanc_rest_client.endpoints import (
    OrthancInstances,
    OrthancModalities,
    OrthancPatients,
    OrthancQueries,
    OrthancSeries,
    OrthancServer,
    OrthancStudies,
)
from requests.auth import HTTPBasicAuth
from urllib3.util.retry import Retry

from imaging.adapters.stow import StowBody, failure_reasons, referenced_uids

# Looser than PS3.5 §9.1: whether a UID is good enough to keep is the gate's question, not ours.
UID = re.compile(r"[0-9.]{1,64}")
ORTHANC_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
READ_BYTES = 256 * 1024
PAGE = 500

# apiron logs every URL, and Orthanc's ids are digests of the PatientID.
_SILENT = logging.getLogger("imaging.adapters.orthanc.wire")
_SILENT.setLevel(logging.WARNING)


class NodeError(Exception):
    """What a node did not do. The text holds status codes and names of errors, never identifiers."""


class NodeUnavailable(NodeError):
    """Nothing is known against the instance: the node is down, slow or failing; asking again may help."""


class NodeUnauthorised(NodeUnavailable):
    """The node does not accept our credentials: a matter of its configuration, not of the instance."""


class NodeRefused(NodeError):
    """The node will not take this, now or later; `reason` says why (PS3.18 Table I.2-2)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _NotFound(NodeRefused):
    """The node knows no such resource. Only this may be read as "it is not there"; other refusals may not."""


class InstanceMissing(NodeError):
    """The node holds no instance with this SOP Instance UID."""


class InstanceUnreadable(NodeError):
    """The node cannot give the instance's bytes: its file is altered or gone. Delete and store mends it."""


class InstanceAmbiguous(NodeError):
    """The node holds several instances with this SOP Instance UID, under different patients or series."""


class _NodeClient(Orthanc):
    """orthanc-rest-client keeps its target on its service classes, which all its clients share: a second
    client would send the first one's requests to another tenant. So every client gets service classes of its
    own, and the library's constructor, which sets the shared ones, is not called.
    """

    def __init__(self, url: str, auth: HTTPBasicAuth) -> None:
        self._target, self._auth = url, auth
        for name, service in _SERVICES.items():
            setattr(self, name, type(service)(service.__name__, (service,), {"domain": url}))


_SERVICES = {
    "instances": OrthancInstances,
    "modalities": OrthancModalities,
    "patients": OrthancPatients,
    "queries": OrthancQueries,
    "series": OrthancSeries,
    "server": OrthancServer,
    "studies": OrthancStudies,
}


class OrthancNode:
    """The node at `url`. May be used from several threads, not across a fork.

    `timeout` is (connect, read) in seconds; the read timeout is how long the node may be silent, not how
    long a transfer lasts. Every method raises NodeUnavailable when there is no usable answer.
    """

    def __init__(
        self, url: str, username: str, password: str, *, timeout: tuple[float, float] = (2, 30)
    ) -> None:
        self._url = url.rstrip("/")
        self._auth = HTTPBasicAuth(username, password)
        self._timeout = timeout
        self._client = _NodeClient(self._url, self._auth)
        self._session = _bare_session(self._auth)

    def __repr__(self) -> str:
        return f"OrthancNode({self._url!r})"

    def is_alive(self) -> bool:
        """Return whether the node answers and accepts our credentials."""
        try:
            self.system()
        except NodeError:
            return False
        return True

    def system(self) -> dict[str, Any]:
        """Return what the node says of itself: "Name", "Version", …"""
        return self._ask(self._client.get_system)

    def store_instance(self, chunks: Iterable[bytes], length: int) -> None:
        """Store one Part 10 file of `length` bytes (PS3.18 §10.5), streamed. Storing it again is no error.

        The answer proves nothing about the bytes kept, least of all for a duplicate: read the digest back.
        What `chunks` raises comes through as it is. Raises NodeRefused, LengthMismatch.
        """
        body = StowBody(chunks, length)
        headers = {"Content-Type": body.content_type, "Accept": "application/dicom+json"}
        try:
            answer = self._session.post(
                f"{self._url}/dicom-web/studies", data=body, headers=headers,
                timeout=self._timeout, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise body.failure or NodeUnavailable(type(error).__name__) from None
        _require_stored(answer)

    def has_instance(self, sop_instance_uid: str) -> bool:
        """Return whether the node holds an instance with this UID, under any patient."""
        return bool(self._lookup("Instance", sop_instance_uid))

    def read_instance(self, sop_instance_uid: str) -> Iterator[bytes]:
        """Return the instance's Part 10 file as the node keeps it, streamed in pieces of at most 256 KiB.

        The file is found and opened before this returns. Raises InstanceMissing, InstanceAmbiguous,
        InstanceUnreadable; the iterator raises NodeUnavailable when the transfer breaks off.
        """
        orthanc_id = self._instance_id(sop_instance_uid)
        try:
            answer = self._ask(
                self._client.get_instance_file, orthanc_id,
                return_raw_response_object=True, headers={"Accept-Encoding": "identity"},
            )  # fmt: skip
        except _NotFound:
            raise InstanceMissing("gone since it was looked up") from None
        except NodeUnavailable as error:
            raise _unreadable_if_internal(error) from None
        return _pieces(answer)

    def delete_instance(self, sop_instance_uid: str) -> bool:
        """Delete the instance and parents left empty; return False when it was not there.

        Raises NodeRefused.
        """
        found = self._lookup("Instance", sop_instance_uid)
        return any([self._delete(self._client.delete_instance, orthanc_id) for orthanc_id in found])

    def delete_study(self, study_instance_uid: str) -> bool:
        """Delete the study with all it holds; return False when it was not there.

        Orthanc keeps one study per PatientID, so there may be several under this UID: all go. Raises
        NodeRefused.
        """
        found = [
            orthanc_id
            for orthanc_id in self._lookup("Study", study_instance_uid)
            if self._study_uid(orthanc_id) == study_instance_uid
        ]
        return any([self._delete(self._client.delete_study, orthanc_id) for orthanc_id in found])

    def count_instances(self) -> int:
        """Return how many instances the node holds."""
        return int(self._ask(self._client.get_statistics)["CountInstances"])

    def list_study_uids(self) -> list[str]:
        """Return the Study Instance UIDs the node holds, each once, sorted."""
        uids: set[str] = set()
        since = 0
        while rows := self._page_of_studies(since):
            uids.update(row["MainDicomTags"]["StudyInstanceUID"] for row in rows)
            since += PAGE
        return sorted(uids)

    def _page_of_studies(self, since: int) -> list[dict[str, Any]]:
        """The library's own `get_studies` takes no limit."""
        page = {"expand": "true", "since": since, "limit": PAGE}
        return self._ask(self._client.studies.studies, params=page, auth=self._auth)

    def _instance_id(self, sop_instance_uid: str) -> str:
        found = self._lookup("Instance", sop_instance_uid)
        if not found:
            raise InstanceMissing("no such instance")
        if len(found) > 1:
            raise InstanceAmbiguous(f"{len(found)} instances")
        return found[0]

    def _lookup(self, level: str, uid: str) -> list[str]:
        """Return the Orthanc ids at `level`. The library's own `lookup` quotes the UID and finds nothing."""
        if not UID.fullmatch(uid):
            raise ValueError("not a UID")
        rows = self._ask(self._client.server.tools_lookup, data=uid, auth=self._auth)
        return [_require_orthanc_id(row["ID"]) for row in rows if row["Type"] == level]

    def _study_uid(self, orthanc_id: str) -> str | None:
        try:
            return self._ask(self._client.get_study, orthanc_id)["MainDicomTags"]["StudyInstanceUID"]
        except _NotFound:
            return None

    def _delete(self, delete: Callable[..., Any], orthanc_id: str) -> bool:
        try:
            self._ask(delete, orthanc_id)
        except _NotFound:
            return False
        return True

    def _ask(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the library with our timeouts (its own: 3 s), without its retries, log lines and redirects."""
        try:
            return call(
                *args, timeout_spec=Timeout(*self._timeout), retry_spec=Retry(0, read=False),
                logger=_SILENT, allow_redirects=False, **kwargs,
            )  # fmt: skip
        except requests.HTTPError as error:
            raise _error_of(error.response.status_code) from None
        except requests.RequestException as error:
            raise NodeUnavailable(type(error).__name__) from None


def _bare_session(auth: HTTPBasicAuth) -> requests.Session:
    """A session without the environment's proxies and .netrc: instances go to the node and nowhere else."""
    session = requests.Session()
    session.trust_env = False
    session.auth = auth
    return session


def _require_stored(answer: requests.Response) -> None:
    """Raise unless the STOW-RS answer says that the one instance was stored (PS3.18 §10.5.3)."""
    reasons = failure_reasons(answer)
    if reasons:
        raise NodeRefused(f"failure reason {', '.join(reasons)}")
    if answer.status_code >= 300:
        raise _error_of(answer.status_code)
    if not referenced_uids(answer):
        # Orthanc 1.10 answers 200 and lists nothing when its storage fails, for one because the disk is full.
        raise NodeUnavailable("answered but stored nothing")


def _error_of(status: int) -> NodeError:
    if status in (401, 403):
        return NodeUnauthorised(f"HTTP {status}")
    if status == 404:
        return _NotFound("HTTP 404")
    return NodeRefused(f"HTTP {status}") if 400 <= status < 500 else NodeUnavailable(f"HTTP {status}")


def _unreadable_if_internal(error: NodeUnavailable) -> NodeError:
    return InstanceUnreadable(str(error)) if str(error) == "HTTP 500" else error


def _require_orthanc_id(orthanc_id: str) -> str:
    if not ORTHANC_ID.fullmatch(orthanc_id):
        raise NodeUnavailable("answered with something else than an id")
    return orthanc_id


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        try:
            yield from answer.iter_content(READ_BYTES)
        except requests.RequestException as error:
            raise NodeUnavailable(type(error).__name__) from None
