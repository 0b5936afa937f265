"""What a practice's own system is sent: a message of the Standard Webhooks specification, signed with its own secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. A message holds UIDs and
counts; whoever is told fetches the rest with a token, through access and trail.
"""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.urls import reverse
from standardwebhooks import Webhook as Signer

from imaging.models import WebhookDelivery
from tenants.models import Tenant

TEST = "webhook.test"
SECRET_BYTES = 32
_PURPOSE = b"collimate webhook signing secret v1 "


def secret_of(webhook_id: UUID) -> str:
    """The webhook's signing secret, `whsec_…`: derived from the portal's, so that no row and no backup holds it."""
    derivation = HKDF(SHA256(), SECRET_BYTES, salt=None, info=_PURPOSE + webhook_id.bytes)
    return "whsec_" + base64.b64encode(derivation.derive(settings.SECRET_KEY.encode())).decode()


def write_message(delivery: WebhookDelivery, tenant: Tenant, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a delivery. The body and `webhook-id` are the same on each try; the time and so the
    signature are those of the try.
    """
    message_id = f"msg_{delivery.id.hex}"
    text = json.dumps(_content(delivery, tenant), separators=(",", ":"))
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Signer(secret_of(delivery.webhook_id)).sign(message_id, now.astimezone(UTC), text),
        "User-Agent": "Collimate",
    }
    return text.encode(), headers


def _content(delivery: WebhookDelivery, tenant: Tenant) -> dict[str, object]:
    happened = delivery.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {"tenant": tenant.slug, **delivery.content}
    if uid := delivery.content.get("study_instance_uid"):
        data["url"] = settings.ORIGIN + reverse("stow", args=[tenant.slug, uid])
    return {"type": delivery.event, "timestamp": happened, "data": data}
