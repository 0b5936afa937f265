"""What a script outside sees of the running product: DICOMweb with a bearer token."""

import requests

from tests.imaging.incoming import STOW_TYPE, multipart


class PortalClient:
    """Stores and retrieves at one tenant."""

    def __init__(self, origin: str, slug: str, token: str) -> None:
        self.root = f"{origin}/t/{slug}/dicomweb"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def store(self, *instances: bytes, timeout: float = 30) -> int:
        """The status of STOW-RS."""
        answer = self.session.post(
            f"{self.root}/studies", data=multipart(*instances), headers={"Content-Type": STOW_TYPE}, timeout=timeout
        )
        return answer.status_code

    def get(self, path: str, accept: str = "*/*") -> requests.Response:
        """A GET below the DICOMweb root."""
        return self.session.get(f"{self.root}/{path}", headers={"Accept": accept}, timeout=60)

    def instance(self, study: str, series: str, sop: str) -> bytes:
        """The instance's Part 10 bytes, from the only part of the multipart answer."""
        answer = self.get(
            f"studies/{study}/series/{series}/instances/{sop}",
            'multipart/related; type="application/dicom"; transfer-syntax=*',
        )
        assert answer.status_code == 200, answer.status_code
        return only_part(answer)

    def frame(self, study: str, series: str, sop: str, number: int = 1) -> bytes:
        """One frame as stored."""
        answer = self.get(
            f"studies/{study}/series/{series}/instances/{sop}/frames/{number}",
            'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        )
        assert answer.status_code == 200, answer.status_code
        return only_part(answer)


def only_part(answer: requests.Response) -> bytes:
    """The body of a multipart answer with one part."""
    boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"').encode()
    head, _, rest = answer.content.partition(b"\r\n\r\n")
    body, _, tail = rest.rpartition(b"\r\n--" + boundary)
    assert boundary in head
    assert tail.startswith(b"--")
    return body
