"""A client of one S3 server: signature version 4, deadlines, one host; its errors are `OSError`s."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NoSuchVersion"})


class StoreUnreachable(OSError):
    """The object store did not answer, refused or answered nonsense; `code` is its error code, if it gave one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class RangeUnsatisfiable(OSError):
    """The object has no byte in the range asked for (RFC 9110 §15.5.17)."""


def client_config(
    endpoint_url: str | None, addressing_style: str | None, connect_timeout: float, read_timeout: float
) -> Config:
    """Return botocore's configuration; timeouts in seconds, per attempt, of which there are two."""
    # Over TLS the CRC-32 of every body is enough. Without TLS the signature covers the body's SHA-256, too.
    encrypted = endpoint_url is None or endpoint_url.startswith("https:")
    style = addressing_style or ("path" if endpoint_url else "virtual")
    return Config(
        signature_version="s3v4",
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 2},
        # We send checksums of our own; ranges have none, and sealed bytes authenticate themselves.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        s3={"addressing_style": style, "payload_signing_enabled": not encrypted},
    )


def stay_on_host(client: Any) -> None:
    """Make `client` take a redirect for an error: by itself it would follow one to another region's host.

    Against a server that answers nothing but redirects, it would also recurse without end.
    """

    def mark_redirected(context: dict[str, Any], **_: object) -> None:
        context["s3_redirect"]["redirected"] = True

    client.meta.events.register_last("before-parameter-build.s3", mark_redirected)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise `FileNotFoundError`, `FileExistsError`, `RangeUnsatisfiable` or `StoreUnreachable` for the client's errors.

    Object names hold UUIDs only; still no text of the server's passes, just its error code.
    """
    try:
        yield
    except ClientError as error:
        raise _from_answer(error) from error
    except (BotoCoreError, HTTPError, OSError) as error:
        raise StoreUnreachable(f"the object store cannot be reached: {type(error).__name__}") from error


def _from_answer(error: ClientError) -> OSError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == 404 and code in _ABSENT:
        return FileNotFoundError("no such object")
    if status == 412 or code == "ConditionalRequestConflict":
        return FileExistsError("the object store holds something else under this name")
    if status == 416:
        return RangeUnsatisfiable("no such range")
    return StoreUnreachable(f"the object store answered {code or status}", code)
