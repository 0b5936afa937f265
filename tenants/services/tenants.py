"""Setting up a practice."""

import random
import socket
from datetime import datetime

from django.conf import settings
from django.db import transaction

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from tenants.models import StorageNode, Tenant
from tenants.scoping import tenant_scope


class NoFreePort(Exception):
    """Every port of the nodes' range is taken."""


def create_tenant(actor: Actor, *, slug: str, name: str, kind: str, time_zone: str, now: datetime) -> Tenant:
    """A new practice with a storage node per region; the process keeper starts their Orthancs within seconds.

    It can take nothing in before an agreement is in force.
    """
    with transaction.atomic():
        tenant = Tenant.objects.create(slug=slug, name=name, kind=kind, time_zone=time_zone)
        for region in settings.REGIONS:
            StorageNode.objects.create(tenant=tenant, region=region, url=f"http://127.0.0.1:{_find_free_port()}")
        with tenant_scope(tenant.id):
            record(Action.TENANT_CREATED, actor, subject_id=tenant.id, now=now)
    return tenant


def _find_free_port() -> int:
    taken = {int(url.rsplit(":", 1)[1]) for url in StorageNode.objects.values_list("url", flat=True)}
    ports = [port for port in range(*settings.NODE_PORT_RANGE) if port not in taken]
    # By lot: two stacks that start together on one machine must not want the same one.
    for port in random.sample(ports, len(ports)):
        if _is_free(port):
            return port
    raise NoFreePort


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
