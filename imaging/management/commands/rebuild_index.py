"""The index of images from a vault alone."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from imaging.adapters.vault import VaultUnavailable
from imaging.services.rebuild import RebuildReport, rebuild_index
from tenants.models import Tenant
from tenants.selectors import find_tenant


class Command(BaseCommand):
    """Exits with 1 if anything could not be read or stood in the way of other bytes."""

    help = "Take into the index every instance that a vault holds and the index does not know."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug")
        parser.add_argument("--region", type=int, choices=(1, 2), default=1)
        parser.add_argument("--tenant-id", type=UUID, help="make the tenant under this id if it is not there")
        parser.add_argument("--studies", type=Path, help="a file of Study Instance UIDs, one a line: only these")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: object) -> None:
        tenant = find_tenant(options["tenant"]) or self._create(options["tenant"], options["tenant_id"])
        studies = set(options["studies"].read_text().split()) if options["studies"] else None
        try:
            report = rebuild_index(tenant.id, options["region"], timezone.now(), studies)
        except VaultUnavailable as error:
            raise CommandError(f"{error}. Nothing was lost; run this again when the region is back.") from error
        self.stdout.write(_as_json(report) if options["json"] else _as_text(report))
        if report.unreadable or report.conflicts:
            sys.exit(1)

    def _create(self, slug: str, tenant_id: UUID | None) -> Tenant:
        if tenant_id is None:
            raise CommandError(f"There is no tenant {slug}. Give its id with --tenant-id to make it.")
        return Tenant.objects.create(id=tenant_id, slug=slug, name=slug, kind=Tenant.Kind.IMAGING_CENTRE)


def _as_json(report: RebuildReport) -> str:
    return json.dumps({**asdict(report), "unreadable": [str(each) for each in report.unreadable]})


def _as_text(report: RebuildReport) -> str:
    lines = [
        f"{report.studies} studies, {report.series} series, {report.instances} instances taken into the index.",
        f"{report.duplicates} were here already, {report.conflicts} stood against other bytes with the same UID.",
    ]
    return "\n".join(lines + [f"Cannot be read: {object_id}" for object_id in report.unreadable])
