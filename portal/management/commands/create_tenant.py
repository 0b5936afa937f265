"""`manage.py create_tenant`: a new practice; its Orthancs start within seconds."""

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from audit.actor import SYSTEM
from imaging.services.regions import ensure_tenant_keys
from tenants.models import Tenant
from tenants.services.tenants import create_tenant


class Command(BaseCommand):
    help = "Create a practice with its keys and storage nodes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name")
        parser.add_argument("--kind", choices=Tenant.Kind.values, default=Tenant.Kind.DENTAL)
        parser.add_argument("--time-zone", default="America/New_York")

    def handle(self, *args: object, **options: object) -> None:
        tenant = create_tenant(
            SYSTEM, slug=options["slug"], name=options["name"], kind=options["kind"],
            time_zone=options["time_zone"], now=timezone.now(),
        )  # fmt: skip
        ensure_tenant_keys(tenant.id)
        self.stdout.write(f"{tenant.slug}: created. It can work once an agreement is in force.")
