"""Reads about agreements, as the pages show them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tenants.baas.models import Agreement, Status
from tenants.models import Tenant

SOON_DAYS = 60
# What shuts or will shut a practice out comes first; what is settled or over comes last.
URGENCY = {"expired": 0, "ends-soon": 1, "sent": 2, "drafted": 3, "not-yet": 4, "in-force": 5, "terminated": 6}


@dataclass(frozen=True)
class AgreementRow:
    """An agreement as a page shows it. `state` is in-force, ends-soon, not-yet, expired or the status itself."""

    id: UUID
    tenant_name: str
    tenant_slug: str
    status: str
    state: str
    effective_on: date
    expires_on: date
    days_left: int
    practice_signer: str
    vendor_signer: str
    may_send: bool
    may_execute: bool
    may_terminate: bool


@dataclass(frozen=True)
class UncoveredTenant:
    """A practice without any agreement."""

    id: UUID
    name: str
    slug: str


def list_agreements(today: date) -> list[AgreementRow]:
    """Every agreement of every practice, the most urgent first, for the vendor's administrator."""
    rows = [_row(agreement, today) for agreement in Agreement.objects.select_related("tenant")]
    covered = {row.tenant_slug for row in rows if row.state in ("in-force", "ends-soon")}
    return sorted(rows, key=lambda row: _urgency(row, covered))


def list_agreements_of(tenant: Tenant, today: date) -> list[AgreementRow]:
    """The practice's own agreements, newest first."""
    return [_row(agreement, today) for agreement in Agreement.objects.select_related("tenant").filter(tenant=tenant)]


def list_uncovered_tenants() -> list[UncoveredTenant]:
    """Practices that have no agreement at all."""
    tenants = Tenant.objects.filter(agreements=None).order_by("name")
    return [UncoveredTenant(tenant.id, tenant.name, tenant.slug) for tenant in tenants]


def _row(agreement: Agreement, today: date) -> AgreementRow:
    status = Status(agreement.status)
    return AgreementRow(
        id=agreement.id,
        tenant_name=agreement.tenant.name,
        tenant_slug=agreement.tenant.slug,
        status=status.label,
        state=_state(agreement, today),
        effective_on=agreement.effective_on,
        expires_on=agreement.expires_on,
        days_left=(agreement.expires_on - today).days,
        practice_signer=agreement.practice_signer,
        vendor_signer=agreement.vendor_signer,
        may_send=status is Status.DRAFTED,
        may_execute=status in (Status.DRAFTED, Status.SENT),
        may_terminate=status is not Status.TERMINATED,
    )


def _urgency(row: AgreementRow, covered: set[str]) -> tuple[int, date, str]:
    # An agreement that ran out and was renewed asks for nothing.
    over = row.state == "expired" and row.tenant_slug in covered
    return (URGENCY["terminated"] if over else URGENCY[row.state], row.expires_on, row.tenant_name)


def _state(agreement: Agreement, today: date) -> str:
    if agreement.status != Status.EXECUTED:
        return str(agreement.status)
    if agreement.effective_on > today:
        return "not-yet"
    if agreement.expires_on < today:
        return "expired"
    return "ends-soon" if (agreement.expires_on - today).days <= SOON_DAYS else "in-force"
