"""`manage.py create_token`: issues a bearer token for DICOMweb and the REST API and prints it, once."""

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actor import SYSTEM
from imaging.models import AccessToken
from imaging.services.tokens import MAX_DAYS, NotAMember, issue_token
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant


class Command(BaseCommand):
    help = "Issue a bearer token that acts for a member of a practice, and print it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--user", required=True, metavar="EMAIL")
        parser.add_argument("--scope", required=True, nargs="+", action="extend", choices=AccessToken.Scope.values)
        parser.add_argument("--days", type=int, default=90)
        parser.add_argument("--name", default="", help="what the practice knows it by")

    def handle(
        self, *args: object, tenant: str, user: str, scope: list[str], days: int, name: str = "", **options: object
    ) -> None:
        if not 1 <= days <= MAX_DAYS:
            raise CommandError(f"--days must be between 1 and {MAX_DAYS}.")
        now = timezone.now()
        practice, member = _get_tenant(tenant), _get_user(user)
        try:
            with tenant_scope(practice.id):
                scopes, ends = sorted(set(scope)), now + timedelta(days=days)
                token = issue_token(SYSTEM, member, scopes, ends, now, name[:100])
        except NotAMember:
            raise CommandError(f"{user} is not a member of {tenant}.") from None
        self.stdout.write(token)


def _get_tenant(slug: str) -> Tenant:
    tenant = find_tenant(slug)
    if tenant is None:
        raise CommandError(f"There is no practice {slug}.")
    return tenant


def _get_user(email: str) -> User:
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active account {email}.")
    return user
