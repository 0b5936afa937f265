"""How far the second copies are behind, and the alarm when it is too far."""

import logging
from datetime import datetime
from uuid import UUID

from django.conf import settings

from audit.actions import Action, Outcome
from audit.actor import SYSTEM
from audit.services import record
from imaging.models import Finding
from imaging.selectors.protection_state import Lag, get_lag
from imaging.services.active_region import active_region, other_region
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)


def measure_lag(tenant_id: UUID, now: datetime) -> Lag:
    """What the practice would lose now, were the region lost that took it in."""
    with tenant_scope(tenant_id):
        return get_lag(now)


def watch_lag(tenant_id: UUID, now: datetime) -> Lag:
    """Raise the alarm once when the lag passes `LAG_ALARM_SECONDS`, and end it when all has been copied in time."""
    behind = other_region(active_region())
    with tenant_scope(tenant_id):
        lag = get_lag(now)
        alarm = Finding.objects.filter(kind=Finding.Kind.LAG, healed_at=None)
        late = lag.seconds > settings.LAG_ALARM_SECONDS
        if not late:
            alarm.update(healed_at=now)
        raised = late and not alarm.exists() and _raise_alarm(lag, behind, now)
    if raised:
        logger.error("Region %s is %s s behind for tenant %s: %s instances", behind, lag.seconds, tenant_id, lag.count)
    return lag


def _raise_alarm(lag: Lag, region: int, now: datetime) -> bool:
    details = {"seconds": lag.seconds, "count": lag.count, "size": lag.size}
    _, new = Finding.objects.get_or_create(
        kind=Finding.Kind.LAG, region=region, object_id=None, healed_at=None,
        defaults={"found_at": now, "details": details},
    )  # fmt: skip
    if new:
        record(Action.COPIES_BEHIND, SYSTEM, outcome=Outcome.FAILED, details=details | {"region": region}, now=now)
    return new
