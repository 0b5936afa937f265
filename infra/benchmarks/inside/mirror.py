"""Mirrors studies as a worker would, in this process: `{"tenant": slug, "studies": [uid, …]}` on the input."""

import time

from infra.benchmarks.inside.django_app import answer, set_up

set_up()

from imaging.models import Series  # noqa: E402  Django must be set up first
from imaging.pipeline import Step  # noqa: E402
from imaging.selectors.pipeline import list_waiting_objects  # noqa: E402
from imaging.services import steps  # noqa: E402
from tenants.scoping import tenant_scope  # noqa: E402
from tenants.selectors import find_tenant  # noqa: E402


def mirror(tenant: str, studies: list[str]) -> dict[str, float]:
    """Seconds, and how many objects wait afterwards."""
    tenant_id = find_tenant(tenant).id
    with tenant_scope(tenant_id):
        series = list(
            Series.objects.filter(study__study_instance_uid__in=studies).order_by("id").values_list("id", flat=True)
        )
    started = time.perf_counter()
    for each in series:
        steps.mirror(tenant_id, each)
    seconds = time.perf_counter() - started
    with tenant_scope(tenant_id):
        waiting = sum(len(list_waiting_objects(Step.MIRROR, each)) for each in series)
    return {"seconds": seconds, "waiting": waiting}


if __name__ == "__main__":
    answer(mirror)
