"""Puts data keys into both regions: `{"tenant": slug, "count": n}` on the input.

Each is a `.key` file as the keyring makes it, beside an empty `.sealed` file: a rotation must not open that.
"""

import os
from uuid import UUID, uuid4

from infra.benchmarks.inside.django_app import answer, set_up

set_up()

from django.conf import settings  # noqa: E402  Django must be set up first

from imaging.adapters.vault import object_name  # noqa: E402
from imaging.services.regions import ensure_tenant_keys, get_keyring, get_vault  # noqa: E402
from tenants.selectors import find_tenant  # noqa: E402


def make(tenant: str, count: int) -> dict[str, float]:
    """How many were made."""
    tenant_id = find_tenant(tenant).id
    ensure_tenant_keys(tenant_id)
    for _ in range(count):
        _make_one(tenant_id, uuid4())
    return {"made": count}


def _make_one(tenant_id: UUID, object_id: UUID) -> None:
    # Both regions hold the same versions, so either opens what the other wrapped.
    _, key_file = get_keyring(1).new_data_key(tenant_id, object_id)
    for region in settings.REGIONS:
        storage = get_vault(region).staging
        for suffix, content in ((".key", key_file), (".sealed", b"")):
            path = storage.path(object_name(tenant_id, object_id, suffix))
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "xb") as file:
                file.write(content)


if __name__ == "__main__":
    answer(make)
