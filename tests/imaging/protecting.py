"""A practice with images in both regions, or in one, or in need of repair: rows only, for tests of what is said."""

from datetime import datetime, timedelta
from uuid import uuid4

from django.utils import timezone

from imaging.models import Drill, Instance, Series, Study, VaultObject
from tenants.models import Tenant
from tenants.scoping import tenant_scope

MB = 1024**2


def add_study(
    tenant: Tenant, images: int, mirrored: int | None = None, received: datetime | None = None, **fields: object
) -> Study:
    """A study of one series whose first `mirrored` images (all, by default) are in both regions, the rest in one."""
    now = received or timezone.now()
    uid = f"1.2.{uuid4().int}"[:64]
    with tenant_scope(tenant.id):
        study = Study.objects.create(
            study_instance_uid=uid, received_at=now, last_received_at=now, instance_count=images, series_count=1,
            size=images * MB, **fields,
        )  # fmt: skip
        series = Series.objects.create(
            study=study, series_instance_uid=f"{uid}.1"[:64], instance_count=images, last_received_at=now
        )
        for place in range(images):
            _add_image(series, place, place < (images if mirrored is None else mirrored), now)
    return study


def _add_image(series: Series, place: int, mirrored: bool, now: datetime) -> None:
    there = now if mirrored else None
    pack = VaultObject.objects.create(
        series=series, kind="pack", size=MB, member_count=1, home_region=1, created_at=now, in_1_at=now, in_2_at=there
    )
    Instance.objects.create(
        series=series, sop_instance_uid=f"1.2.{uuid4().int}"[:64], sop_class_uid="1.2", transfer_syntax_uid="1.2",
        size=MB, digest=b"", crc32=0, pack=pack, pack_offset=0, received_at=now, sealed_at=now, stored_at=now,
        mirrored_at=there, mirror_stored_at=there,
    )  # fmt: skip


def add_drill(tenant: Tenant, days_ago: float, **fields: object) -> Drill:
    """A drill that passed, unless told otherwise: 1 GB in 100 seconds."""
    started = timezone.now() - timedelta(days=days_ago)
    usual = {"studies": 7, "instances": 1204, "size": 1024 * MB, "rpo_seconds": 0, "rto_seconds": 100, "passed": True}
    with tenant_scope(tenant.id):
        return Drill.objects.create(started_at=started, finished_at=started + timedelta(minutes=3), **(usual | fields))
