"""AWS KMS as master: a customer managed key per region, or per tenant through an alias that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from imaging.adapters.keys.masters import KeyDestroyed, KeyUnknown, MasterUnavailable
from imaging.crypto.layout import SealBroken

_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}
# The least that AWS takes. The key is unusable from the first moment; an administrator may cancel for so long.
_PENDING_DAYS = 7


class KmsMaster:
    """`key` is an id, ARN or alias; with `{tenant}` in it (`alias/collimate-{tenant}`) each tenant has its own key.

    Tenant and context are bound as encryption context and so appear in CloudTrail: both are UUIDs and fixed words.
    """

    name = "kms"

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key
        self._own_keys = "{tenant}" in key

    @classmethod
    def connect(cls, key: str, region: str, endpoint_url: str = "", timeout_s: float = 5.0) -> "KmsMaster":
        """The master behind the usual AWS credentials; three tries of `timeout_s` seconds at most."""
        config = Config(
            connect_timeout=float(timeout_s), read_timeout=float(timeout_s), retries={"total_max_attempts": 3}
        )
        client = boto3.client("kms", region_name=region, endpoint_url=endpoint_url or None, config=config)
        return cls(client, key)

    def prepare(self, tenant_id: UUID) -> None:
        """See `Master`: create the tenant's own key and alias, unless one key serves all."""
        if not self._own_keys:
            return
        try:
            self._describe(tenant_id)
        except KeyUnknown:
            with _outages():
                made = self._client.create_key(
                    Description="Collimate tenant key", Tags=[{"TagKey": "tenant", "TagValue": str(tenant_id)}]
                )
                key_id = made["KeyMetadata"]["KeyId"]
                self._client.create_alias(AliasName=self._key_of(tenant_id), TargetKeyId=key_id)

    def wrap(self, tenant_id: UUID, secret: bytes, context: bytes) -> bytes:
        """See `Master`: KMS's own ciphertext blob."""
        with _outages():
            answer = self._client.encrypt(
                KeyId=self._key_of(tenant_id), Plaintext=secret, EncryptionContext=_bind(tenant_id, context)
            )
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, tenant_id: UUID, wrapped: bytes, context: bytes) -> bytes:
        """See `Master`."""
        with _outages():
            answer = self._client.decrypt(
                KeyId=self._key_of(tenant_id), CiphertextBlob=wrapped, EncryptionContext=_bind(tenant_id, context)
            )
        return bytes(answer["Plaintext"])

    def destroy(self, tenant_id: UUID) -> None:
        """See `Master`: schedule the tenant's own key for deletion. A shared key stays: it serves the others."""
        if not self._own_keys:
            return
        try:
            found = self._describe(tenant_id)
        except KeyUnknown:
            return
        if found["KeyState"] != "PendingDeletion":
            with _outages():
                self._client.schedule_key_deletion(KeyId=found["KeyId"], PendingWindowInDays=_PENDING_DAYS)

    def _describe(self, tenant_id: UUID) -> dict[str, str]:
        with _outages():
            metadata: dict[str, str] = self._client.describe_key(KeyId=self._key_of(tenant_id))["KeyMetadata"]
            return metadata

    def _key_of(self, tenant_id: UUID) -> str:
        return self._key.format(tenant=tenant_id)


def _bind(tenant_id: UUID, context: bytes) -> dict[str, str]:
    return {"tenant": str(tenant_id), "context": context.hex()}


@contextmanager
def _outages() -> Iterator[None]:
    """Translate AWS's errors into ours; none of the texts passes on, they name keys and accounts."""
    try:
        yield
    except ClientError as error:
        raise _translate(error.response["Error"]["Code"]) from None
    except BotoCoreError as error:
        raise MasterUnavailable(f"KMS failed: {type(error).__name__}") from None


def _translate(code: str) -> Exception:
    if code in _BROKEN:
        return SealBroken("KMS cannot unwrap the secret")
    if code == "NotFoundException":
        return KeyUnknown("KMS does not hold the tenant's key")
    # What is pending deletion or has lost its key material; a disabled key, in contrast, may be enabled again.
    if code == "KMSInvalidStateException":
        return KeyDestroyed("the tenant's key is destroyed in KMS")
    return MasterUnavailable(f"KMS failed: {code}")
