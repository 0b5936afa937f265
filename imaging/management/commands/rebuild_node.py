"""A tenant's Orthanc, filled anew from the vault."""

import json
import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from imaging.services.node_rebuild import NodeUnavailable, rebuild_node
from tenants.selectors import find_tenant


class Command(BaseCommand):
    """Exits with 1 if the node lacks an instance afterwards."""

    help = "Store everything that a region's vault holds in the tenant's Orthanc there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug")
        parser.add_argument("--region", type=int, choices=(1, 2), default=1)
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: object) -> None:
        tenant = find_tenant(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']}.")
        try:
            instances, held = rebuild_node(tenant.id, options["region"])
        except NodeUnavailable as error:
            raise CommandError("The node does not answer. What is missing is stored when it is back.") from error
        answer = {"instances": instances, "held": held}
        self.stdout.write(
            json.dumps(answer) if options["json"] else f"{held} of {instances} instances are in the node."
        )
        if held < instances:
            sys.exit(1)
