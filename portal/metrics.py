"""`/metrics` for Prometheus: how far copies are behind, what is wrong, what waits; numbers and ids, never a name."""

import hmac
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily

from imaging.models import Finding
from imaging.pipeline import Step
from imaging.selectors.measures import Measures, measure
from imaging.services.active_region import active_region
from imaging.services.backup_status import find_backup_status
from tenants.decorators import public
from tenants.selectors import list_tenants


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything that is measured, for whoever has `METRICS_TOKEN`; for anyone else the page is not there."""
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry()
    registry.register(PortalCollector(timezone.now()))
    ProcessCollector(registry=registry)  # of the worker that answers
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class PortalCollector:
    """Gauges as of `now`, each practice read once and in a transaction of its own."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What `prometheus_client` asks for."""
        measured = {str(tenant.id): measure(tenant.id, self._now) for tenant in list_tenants().only("id")}
        yield from _lag(measured)
        yield from _totals(list(measured.values()))
        yield _gauge("active_region", "The region that takes new images.", active_region())
        yield self._backup_age()

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing ahead: registering must not read the database."""
        return []

    def _backup_age(self) -> GaugeMetricFamily:
        status = find_backup_status()
        ages = {
            str(copy.region): (self._now - copy.until).total_seconds()
            for copy in (status.regions if status else ())
            if copy.until
        }
        return _gauges(
            "backup_age_seconds",
            "How long ago the latest moment is that the region can bring the database back to.",
            "region",
            ages,
        )


def _lag(measured: dict[str, Measures]) -> Iterator[GaugeMetricFamily]:
    lags = {tenant_id: each.lag_seconds for tenant_id, each in measured.items()}
    words = "How long the oldest image waits for its copy in the other region"
    yield _gauge("mirror_lag_seconds_max", f"{words}, of all practices.", max(lags.values(), default=0))
    yield _gauges("mirror_lag_seconds", f"{words}.", "tenant", lags)


def _totals(measured: list[Measures]) -> Iterator[GaugeMetricFamily]:
    # Every kind and step is always there, so that an alarm can tell none from not measured.
    findings = Counter({kind.value: 0 for kind in Finding.Kind})
    waiting = Counter({step.value: 0 for step in Step})
    for each in measured:
        findings.update(each.findings)
        waiting.update(each.waiting)
    yield _gauges("findings_open", "Copies that are not as they should be.", "kind", findings)
    yield _gauges("waiting", "Images, sealed objects or series that wait for the step.", "step", waiting)
    yield _gauge("brakes_on", "Practices whose replication is paused.", sum(each.braked for each in measured))
    yield _gauge("drills_overdue", "Practices without a drill in time.", sum(each.drill_overdue for each in measured))


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"collimate_{name}", words, value=value)


def _gauges(name: str, words: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"collimate_{name}", words, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    if not wanted or scheme.lower() != "bearer":
        return False
    # Bytes, because compare_digest refuses text beyond ASCII.
    return hmac.compare_digest(token.strip().encode(), wanted.encode())
