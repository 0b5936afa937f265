"""Rotates a practice's key as `manage.py rotate_keys` does: `{"tenant": slug, "looked_at": n}` on the input.

Counts in this process which files are opened: no pixel byte can be read from a file that never is. Some data keys are
opened before and after, in both regions: they must be the same, and wrapped by the new version.
"""

import sys
import time
from itertools import islice
from uuid import UUID

from infra.benchmarks.inside.django_app import answer, set_up

set_up()

from django.conf import settings  # noqa: E402  Django must be set up first
from django.utils import timezone  # noqa: E402

from imaging.adapters.vault import object_name  # noqa: E402
from imaging.services import key_rotation  # noqa: E402
from imaging.services.regions import get_keyring, get_vault  # noqa: E402
from tenants.selectors import find_tenant  # noqa: E402

_opened = {".key": 0, ".sealed": 0}
_Place = tuple[int, UUID]


def rotate(tenant: str, looked_at: int) -> dict[str, float]:
    """Seconds, data keys, files opened, and whether what was looked at is right."""
    tenant_id = find_tenant(tenant).id
    before = _some_data_keys(tenant_id, looked_at)
    sys.addaudithook(_count_opening)
    started = time.perf_counter()
    report = key_rotation.rotate(tenant_id, "scheduled", timezone.now())
    seconds, opened = time.perf_counter() - started, dict(_opened)
    right = report.finished and all(_is_right(tenant_id, place, key, report.key_id) for place, key in before.items())
    return {
        "seconds": seconds, "rewrapped": report.rewrapped, "unreadable": report.unreadable, "right": right,
        "keys_opened": opened[".key"], "sealed_opened": opened[".sealed"],
    }  # fmt: skip


def _count_opening(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        for suffix in _opened:
            _opened[suffix] += arguments[0].endswith(suffix)


def _some_data_keys(tenant_id: UUID, count: int) -> dict[_Place, bytes]:
    places = [
        (region, object_id)
        for region in settings.REGIONS
        for object_id in islice(get_vault(region).list_objects(tenant_id), count)
    ]
    return {place: _data_key(tenant_id, place) for place in places}


def _data_key(tenant_id: UUID, place: _Place) -> bytes:
    region, object_id = place
    return get_keyring(region).open_data_key(tenant_id, object_id, _key_file(tenant_id, place))


def _key_file(tenant_id: UUID, place: _Place) -> bytes:
    region, object_id = place
    with open(get_vault(region).staging.path(object_name(tenant_id, object_id, ".key")), "rb") as file:
        return file.read()


def _is_right(tenant_id: UUID, place: _Place, data_key: bytes, key_id: UUID) -> bool:
    # The version's id stands in the file in clear (FORMAT.md §2).
    return _data_key(tenant_id, place) == data_key and key_id.bytes in _key_file(tenant_id, place)


if __name__ == "__main__":
    answer(rotate)
