"""OpenBao's transit engine as master: one transit key per tenant; a region has a server of its own."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import hvac
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError
from requests import RequestException

from imaging.adapters.keys.masters import KeyUnknown, MasterUnavailable
from imaging.crypto.layout import SealBroken

_ABSENT = ("encryption key not found", "no existing key named", "could not delete key; not found")


class OpenBaoMaster:
    """Secrets never leave OpenBao unwrapped but over TLS to us; the context is authenticated with each wrap.

    The token needs `update` on `<mount>/encrypt/<prefix>*` and `<mount>/decrypt/<prefix>*`, and `create`, `read`,
    `update`, `delete` on `<mount>/keys/<prefix>*`. Give no `create` on `encrypt`: that would make missing keys anew.
    """

    name = "openbao"

    def __init__(
        self,
        url: str,
        token: str = "",
        token_file: str = "",
        mount: str = "transit",
        prefix: str = "collimate-",
        ca_file: str = "",
        timeout_s: float = 5.0,
    ) -> None:
        self._url = url
        self._token = token
        self._token_file = token_file
        self._mount = mount
        self._prefix = prefix
        self._ca_file = ca_file
        self._timeout_s = float(timeout_s)

    def prepare(self, tenant_id: UUID) -> None:
        """See `Master`: create the tenant's transit key, not exportable, no plaintext backup."""
        with self._transit() as transit:
            transit.create_key(self._name(tenant_id), key_type="aes256-gcm96", mount_point=self._mount)

    def wrap(self, tenant_id: UUID, secret: bytes, context: bytes) -> bytes:
        """See `Master`: the ciphertext as OpenBao writes it, `vault:v1:…`."""
        with self._transit() as transit:
            # An encryption with a token of too many rights would quietly make a destroyed key anew.
            transit.read_key(self._name(tenant_id), mount_point=self._mount)
            answer = transit.encrypt_data(
                self._name(tenant_id),
                plaintext=b64encode(secret).decode(),
                associated_data=b64encode(context).decode(),
                mount_point=self._mount,
            )
        return str(answer["data"]["ciphertext"]).encode()

    def unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        """See `Master`."""
        with self._transit() as transit:
            answer = transit.decrypt_data(
                self._name(tenant_id),
                ciphertext=wrapped.decode("ascii", "replace"),
                associated_data=b64encode(context).decode(),
                mount_point=self._mount,
            )
        return b64decode(answer["data"]["plaintext"])

    def destroy(self, tenant_id: UUID) -> None:
        """See `Master`: delete the transit key with all its versions."""
        try:
            with self._transit() as transit:
                name = self._name(tenant_id)
                transit.update_key_configuration(name, deletion_allowed=True, mount_point=self._mount)
                transit.delete_key(name, mount_point=self._mount)
        except KeyUnknown:
            return

    def _name(self, tenant_id: UUID) -> str:
        return f"{self._prefix}{tenant_id}"

    @contextmanager
    def _transit(self) -> Iterator[Any]:
        # A session of its own each time: wraps are rare, and the agent that renews the token rewrites its file.
        with _outages():
            client = hvac.Client(
                url=self._url, token=self._read_token(), timeout=self._timeout_s, verify=self._ca_file or True
            )
            try:
                yield client.secrets.transit
            finally:
                client.adapter.close()

    def _read_token(self) -> str:
        return Path(self._token_file).read_text().strip() if self._token_file else self._token


@contextmanager
def _outages() -> Iterator[None]:
    """Translate OpenBao's errors into ours; none of the texts passes on, they name keys and addresses."""
    try:
        yield
    except InvalidPath:
        raise KeyUnknown("OpenBao does not hold the tenant's key") from None
    except InvalidRequest as error:
        if any(text in str(error) for text in _ABSENT):
            raise KeyUnknown("OpenBao does not hold the tenant's key") from None
        raise SealBroken("OpenBao cannot unwrap the secret") from None
    except (VaultError, RequestException) as error:
        raise MasterUnavailable(f"OpenBao failed: {type(error).__name__}") from None
