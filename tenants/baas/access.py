"""The gate: no PHI enters or leaves a tenant without an agreement in force (45 CFR 164.502(e)(1)(i))."""

from datetime import date
from uuid import UUID

from django.utils import timezone

from tenants.baas.models import Agreement, Status


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
    today = today or timezone.localdate()
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
        return "There is no business associate agreement with this practice yet."
    latest = agreements[0]
    if latest.status == Status.TERMINATED:
        return "The business associate agreement with this practice was terminated."
    if latest.status != Status.EXECUTED:
        return "The business associate agreement with this practice is not signed by both sides yet."
    if latest.effective_on > today:
        return f"The business associate agreement takes effect on {latest.effective_on.isoformat()}."
    return f"The business associate agreement expired on {latest.expires_on.isoformat()}."
