"""Reads about people."""

from uuid import UUID

from django.db.models import QuerySet

from tenants.models import Invitation, Membership, Tenant, User


def find_membership(user: User, slug: str) -> Membership | None:
    """The person's membership in the tenant with that slug, if there is one."""
    if not user.is_authenticated:
        return None
    return Membership.objects.select_related("tenant").filter(user_id=user.pk, tenant__slug=slug).first()


def find_member(tenant_id: UUID, user_id: int) -> Membership | None:
    """The membership of somebody in a tenant, with both, if there is one."""
    members = Membership.objects.select_related("tenant", "user")
    return members.filter(tenant_id=tenant_id, user_id=user_id, user__is_active=True).first()


def list_memberships_of(user: User) -> QuerySet[Membership]:
    """Where the person works, by the practice's name."""
    return Membership.objects.select_related("tenant").filter(user=user).order_by("tenant__name")


def list_members(tenant: Tenant) -> QuerySet[Membership]:
    """Who works in the tenant, by name."""
    return Membership.objects.select_related("user").filter(tenant=tenant).order_by("user__name")


def list_invitations() -> QuerySet[Invitation]:
    """Invitations of the active tenant that nobody has accepted or revoked, newest first."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None).order_by("-created_at")
