"""Setting up a practice."""

import random
import socket
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.actions import Action
from audit.actor import Actor
from audit.services import record
from tenants.models import StorageNode, Tenant
from tenants.scoping import tenant_scope

MOST_AE_TITLE_CHARACTERS = 16  # PS3.5 Table 6.2-1


class NoFreePort(Exception):
    """Every port of the nodes' range is taken."""


def create_tenant(
    actor: Actor, *, slug: str, name: str, kind: str, time_zone: str, now: datetime, language: str = "en"
) -> Tenant:
    """A new practice with a storage node per region; the process keeper starts their Orthancs within seconds.

    It can take nothing in before an agreement is in force.
    """
    with transaction.atomic():
        tenant = Tenant.objects.create(
            slug=slug, name=name, kind=kind, time_zone=time_zone, language=language, ae_title=_find_free_ae_title(slug)
        )
        for region in settings.REGIONS:
            StorageNode.objects.create(tenant=tenant, region=region, url=f"http://127.0.0.1:{_find_free_port()}")
        with tenant_scope(tenant.id):
            record(Action.TENANT_CREATED, actor, subject_id=tenant.id, now=now)
    return tenant


def ensure_ae_title(tenant_id: UUID) -> str:
    """How devices call the practice: what it was given before, else one made of its slug."""
    tenant = Tenant.objects.select_for_update().get(id=tenant_id)
    if tenant.ae_title is None:
        tenant.ae_title = _find_free_ae_title(tenant.slug)
        tenant.save(update_fields=["ae_title"])
    return tenant.ae_title


def _find_free_ae_title(slug: str) -> str:
    wanted = slug.upper()[:MOST_AE_TITLE_CHARACTERS]
    taken = set(Tenant.objects.exclude(ae_title=None).values_list("ae_title", flat=True))
    endings = ("", *map(str, range(2, len(taken) + 3)))
    titles = (wanted[: MOST_AE_TITLE_CHARACTERS - len(ending)] + ending for ending in endings)
    return next(title for title in titles if title not in taken)


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
