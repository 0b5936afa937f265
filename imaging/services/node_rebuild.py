"""A tenant's Orthanc, filled anew from the vault of its region."""

from uuid import UUID

from django.utils import timezone

from imaging.adapters.orthanc import NodeUnavailable
from imaging.models import Instance, Series
from imaging.services import steps
from tenants.scoping import tenant_scope

__all__ = ["NodeUnavailable", "rebuild_node"]

_STATES = {
    1: ("stored_at", "store_refusal", steps.store),
    2: ("mirror_stored_at", "mirror_store_refusal", steps.store_mirror),
}


def rebuild_node(tenant_id: UUID, region: int) -> tuple[int, int]:
    """Store every instance again that the region's vault holds; how many there are, and how many the node holds now.

    What it holds already is no harm: it is stored over itself and read back.

    Raises
    ------
    NodeUnavailable
        What was not stored yet is stored by the sweeper when the node is back.
    """
    state, refusal, store = _STATES[region]
    with tenant_scope(tenant_id):
        Instance.objects.update(**{state: None, refusal: ""})
        series_ids = list(Series.objects.order_by("-last_received_at").values_list("id", flat=True))
    for series_id in series_ids:
        store(tenant_id, series_id)
    with tenant_scope(tenant_id):
        held = Instance.objects.filter(**{f"{state}__lte": timezone.now()}).count()
        return Instance.objects.count(), held
