"""What a new practice has done and has still to do, computed from its rows."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from imaging.models import Instance, PatientInvitation, ShareLink, Study
from tenants.models import Invitation, Membership, Tenant


@dataclass(frozen=True)
class FirstSteps:
    """Which of the first steps are done."""

    agreed: bool
    invited: bool
    uploaded: bool
    shared: bool
    protected: bool

    @property
    def done(self) -> int:
        """How many."""
        return sum(vars(self).values())

    @property
    def all(self) -> int:
        """Of how many."""
        return len(vars(self))


def find_first_steps(tenant: Tenant, *, agreed: bool, now: datetime) -> FirstSteps | None:
    """The active tenant's first steps in one query; None when they were put away or all are done."""
    if tenant.first_steps_hidden_at:
        return None
    own = {"tenant_id": OuterRef("id")}
    others = Membership.objects.filter(**own).order_by("id")[1:]
    asked = Invitation.objects.filter(**own, accepted_at=None, revoked_at=None, expires_at__gt=now)
    row = Tenant.objects.filter(id=tenant.id).values(
        invited=Exists(others),
        asked=Exists(asked),
        uploaded=Exists(Study.objects.filter(**own)),
        shared=Exists(ShareLink.objects.filter(**own)),
        patient=Exists(PatientInvitation.objects.filter(**own)),
        behind=Exists(Instance.objects.filter(**own, mirrored_at=None)),
    )[0]
    steps = FirstSteps(
        agreed=agreed,
        invited=row["invited"] or row["asked"],
        uploaded=row["uploaded"],
        shared=row["shared"] or row["patient"],
        protected=row["uploaded"] and not row["behind"],
    )
    return None if steps.done == steps.all else steps
