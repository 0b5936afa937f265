"""Storage commitment: whether instances are as safe here as the practice wants them (PS3.4 Annex J).

A row in the index means that the sealed bytes are durable where they were taken in; a practice that wants both regions
is answered for an instance only when its copy in each was made.
"""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from imaging.adapters.dicom_commitment import Reference
from imaging.adapters.dicom_messages import Status
from imaging.models import Finding, Instance
from tenants.scoping import active_tenant_id
from tenants.selectors import get_tenant

_BATCH = 1000


def find_uncommitted(references: Sequence[Reference]) -> dict[Reference, int]:
    """The references that nothing is promised for, each with its Failure Reason (PS3.3 §C.14.1.1)."""
    failures: dict[Reference, int] = {}
    for start in range(0, len(references), _BATCH):
        batch = references[start : start + _BATCH]
        safe = _list_safe({each.sop_instance_uid for each in batch})
        for each in batch:
            if reason := _reason(each, safe):
                failures[each] = reason
    return failures


def _list_safe(uids: set[str]) -> dict[str, tuple[str, bool]]:
    """SOP class, and whether it is safe, of each of the instances that is here."""
    rows = Instance.objects.filter(sop_instance_uid__in=uids).values_list("sop_instance_uid", "sop_class_uid", "id")
    safe = set(_durable().filter(sop_instance_uid__in=uids).values_list("id", flat=True))
    return {uid: (sop_class, row_id in safe) for uid, sop_class, row_id in rows}


def _durable() -> QuerySet[Instance]:
    in_both = Q(pack__home_region=1, pack__in_2_at__isnull=False) | Q(pack__home_region=2, pack__in_1_at__isnull=False)
    faulty = Finding.objects.filter(healed_at=None, object_id__isnull=False).values("object_id")
    rows = Instance.objects.exclude(pack__in=faulty)
    return rows if get_tenant(active_tenant_id()).acknowledge_in == 1 else rows.filter(in_both)


def _reason(reference: Reference, safe: dict[str, tuple[str, bool]]) -> int:
    found = safe.get(reference.sop_instance_uid)
    if found is None:
        return Status.NO_SUCH_INSTANCE
    sop_class_uid, is_safe = found
    if sop_class_uid != reference.sop_class_uid:
        return Status.CLASS_INSTANCE_CONFLICT
    return Status.SUCCESS if is_safe else Status.PROCESSING_FAILURE
