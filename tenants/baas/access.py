"""The gate: no PHI enters or leaves a tenant without an agreement in force (45 CFR 164.502(e)(1)(i))."""

from datetime import UTC, date
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.baas.models import Agreement, Status
from tenants.readers import say_day


class NoAgreementInForce(Exception):
    """The tenant may neither take in nor give out PHI. `reason` says why, for the person in front of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def require_agreement(tenant_id: UUID, today: date | None = None) -> Agreement:
    """The tenant's agreement in force today.

    Raises
    ------
    NoAgreementInForce
    """
    today = today or timezone.localdate(timezone=UTC)
    agreements = list(Agreement.objects.filter(tenant_id=tenant_id).order_by("-effective_on"))
    for agreement in agreements:
        if agreement.is_in_force(today):
            return agreement
    raise NoAgreementInForce(_why_none(agreements, today))


def find_gate_reason(tenant_id: UUID, today: date | None = None) -> str:
    """Why the gate is shut for the tenant, or the empty string when it is open."""
    try:
        require_agreement(tenant_id, today)
    except NoAgreementInForce as refusal:
        return refusal.reason
    return ""


def _why_none(agreements: list[Agreement], today: date) -> str:
    if not agreements:
        return _("There is no business associate agreement with this practice yet.")
    latest = agreements[0]
    if latest.status == Status.TERMINATED:
        return _("The business associate agreement with this practice was terminated.")
    if latest.status != Status.EXECUTED:
        return _("The business associate agreement with this practice is not signed by both sides yet.")
    if latest.effective_on > today:
        return _("The business associate agreement takes effect on {day}.").format(day=say_day(latest.effective_on))
    return _("The business associate agreement expired on {day}.").format(day=say_day(latest.expires_on))
