"""The signed report of a drill: written, sealed in both regions, and read again."""

import contextlib
import hashlib
import hmac
import tomllib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from django.conf import settings

from audit.actor import Actor, recorded_label
from imaging.adapters.report import CheckLine, Report, build_pdf
from imaging.adapters.signature import ReportKey
from imaging.adapters.vault import CopyDiffers
from imaging.models import Drill
from imaging.services.active_region import read_order
from imaging.services.drill_compare import Check
from imaging.services.drill_restore import Restore
from imaging.services.drill_sample import Sample
from imaging.services.regions import get_vault
from imaging.services.sealed import UNREADABLE, SealedObject
from tenants.models import Tenant
from tenants.scoping import tenant_scope

MOST_LISTED = 100
ENOUGH_IMAGES = 300  # no fault among so many: with 95 % certainty fewer than 1 % are faulty
RPO_TARGET_SECONDS = 15 * 60
RTO_TARGET_SECONDS = 24 * 60 * 60  # for the whole practice; the proposed 45 CFR 164.308 allows 72 h
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def write_report(
    actor: Actor, tenant: Tenant, drill: Drill, sample: Sample, restore: Restore, region: int, due_at: datetime
) -> bytes:
    """The signed PDF. Raises `SigningKeyUnreadable`."""
    key = _report_key()
    report = Report(
        practice=tenant.name,
        drilled_at=drill.started_at,
        passed=drill.passed,
        verdict=_verdict(drill),
        restored=_restored(sample),
        modalities=[(name, f"{images:,}", say_size(size)) for name, images, size in sample.by_modality()],
        times=_times(drill, sample, restore, region),
        checks=[CheckLine(check.value, len(sample.rows), restore.count(check)) for check in Check],
        differences=list(_differences(restore)),
        circumstances=_circumstances(actor, sample, restore, region, due_at),
        certificate=key.fingerprint(),
    )
    return key.sign(build_pdf(report))


def keep_report(tenant_id: UUID, pdf: bytes) -> UUID:
    """Seal the report in the first region that takes it; returns the object's id. Raises `VaultUnavailable`.

    `mirror_reports` brings it to the other.
    """
    object_id = uuid4()
    first, second = (get_vault(region) for region in read_order())
    try:
        first.seal(tenant_id, object_id, [pdf])
    except UNREADABLE:
        second.seal(tenant_id, object_id, [pdf])
    return object_id


def mirror_reports(tenant_id: UUID) -> int:
    """Copy reports to the region that lacks them, as far as both can be reached; how many were copied."""
    with tenant_scope(tenant_id):
        reports = list(Drill.objects.exclude(report=None).values_list("report", flat=True))
    first, second = (get_vault(region) for region in read_order())
    copied = 0
    for report in reports:
        for source, target in ((first, second), (second, first)):
            with contextlib.suppress(*UNREADABLE, CopyDiffers):
                if not target.exists(tenant_id, report):
                    copied += source.copy_to(target, tenant_id, report)
    return copied


def read_report(drill: Drill) -> bytes | None:
    """The drill's signed PDF, None if it has none. Raises `NoCopyReadable`."""
    return SealedObject(drill.tenant_id, drill.report).read_all() if drill.report else None


def say_seconds(seconds: int) -> str:
    """Such as `4 min 12 s`."""
    days, rest = divmod(seconds, 24 * 60 * 60)
    hours, rest = divmod(rest, 60 * 60)
    parts = [(days, "d"), (hours, "h"), (rest // 60, "min"), (rest % 60, "s")]
    said = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(said[:2]) or "0 s"


def say_size(size: int) -> str:
    """Such as `1.4 GB`: powers of a thousand."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} bytes"


def software_version() -> str:
    """This installation's version."""
    return tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"]


def _report_key() -> ReportKey:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    label = b"collimate drill signing key v1"
    return ReportKey(
        settings.DRILL_SIGNING_KEY,
        [hmac.new(secret.encode(), label, hashlib.sha256).hexdigest().encode() for secret in secrets],
    )


def _verdict(drill: Drill) -> str:
    if drill.passed:
        return f"Passed: all {drill.instances:,} images came back byte for byte."
    if drill.differences:
        return f"Failed: {drill.differences:,} differences. The images named below need attention."
    return "Failed: the region holds nothing that could be restored."


def _restored(sample: Sample) -> list[tuple[str, str]]:
    whole, studies = sample.holdings, len(sample.study_instance_uids)
    lines = [
        ("Studies", f"{studies:,} of {whole.studies:,}"),
        ("Chosen", f"{sample.largest} for their size, {studies - sample.largest} at random (seed {sample.seed})"),
        ("Images", f"{len(sample.rows):,} of {whole.instances:,}"),
        ("Size", f"{say_size(sample.size)} of {say_size(whole.size)}"),
    ]
    if len(sample.rows) < min(ENOUGH_IMAGES, whole.instances):
        lines.append(("Note", f"Fewer than {ENOUGH_IMAGES} images were compared: choose more studies next time."))
    return lines


def _times(drill: Drill, sample: Sample, restore: Restore, region: int) -> list[tuple[str, str, str]]:
    missing = sample.not_there.instances
    return [
        (f"Recovery point: age of the oldest image not yet in region {region} ({missing:,} images)",
         say_seconds(drill.rpo_seconds or 0), say_seconds(RPO_TARGET_SECONDS)),
        ("Recovery time of what was restored", say_seconds(drill.rto_seconds or 0), ""),
        ("Recovery time of the whole practice, estimated", say_seconds(restore.estimate_seconds(sample)),
         say_seconds(RTO_TARGET_SECONDS)),
    ]  # fmt: skip


def _differences(restore: Restore) -> Iterable[str]:
    for difference in restore.differences[:MOST_LISTED]:
        yield f"{difference.instance_id}: not so: {difference.check.value}"
    if more := max(0, len(restore.differences) - MOST_LISTED):
        yield f"and {more:,} more"


def _circumstances(
    actor: Actor, sample: Sample, restore: Restore, region: int, due_at: datetime
) -> list[tuple[str, str]]:
    return [
        ("Restored from", f"the vault and keys of region {region} alone"),
        ("Restored into", f"PostgreSQL {restore.postgres} and Orthanc {restore.orthanc}, removed afterwards"),
        ("Software", f"Collimate {software_version()}"),
        ("Run by", actor.label or recorded_label(actor.kind)),
        ("Next drill due", f"{due_at:%d %B %Y}"),
    ]
