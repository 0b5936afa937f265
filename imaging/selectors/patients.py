"""Reads about patients' invitations, as the study page shows them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from imaging.models import PatientInvitation, Study
from imaging.selectors.shares import state_of


@dataclass(frozen=True)
class InvitationRow:
    """An invitation as the desk sees it. `state` is live, locked, expired or revoked."""

    id: UUID
    email: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    first_verified_at: datetime | None
    state: str


def list_invitations(study: Study, now: datetime) -> list[InvitationRow]:
    """The study's invitations, newest first."""
    rows = PatientInvitation.objects.select_related("created_by").filter(study=study).order_by("-created_at")
    return [
        InvitationRow(
            row.id, row.email, row.created_at, row.created_by.name, row.expires_at, row.first_verified_at,
            state_of(row.revoked_at, row.locked_at, row.expires_at, now),
        )
        for row in rows[:200]
    ]  # fmt: skip
