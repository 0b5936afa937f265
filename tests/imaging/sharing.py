"""Links and invitations for the tests of sharing: real studies, real codes, browsers that redeemed them."""

import datetime as dt
import re
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from imaging.services.patients import invite_patient
from imaging.services.sharing import create_link
from tenants.models import Tenant, User
from tenants.scoping import tenant_scope
from tests.cast import actor

BORN = dt.date(1970, 1, 31)


@dataclass(frozen=True)
class Sent:
    """A link or an invitation as its sender knows it; `path` holds the secret, `page` does not."""

    id: UUID
    code: str
    path: str
    page: str

    @property
    def wrong_code(self) -> str:
        return "111111" if self.code != "111111" else "222222"


def send_link(tenant: Tenant, sender: User, uid: str, *, may_download: bool = False, days: int = 7) -> Sent:
    """A share link to Rita."""
    with tenant_scope(tenant.id):
        issued = create_link(
            actor(sender), uid, recipient_name="Rita Ross", recipient_email="rita@ortho.example", days=days,
            may_download=may_download, note="", now=timezone.now(),
        )  # fmt: skip
    return Sent(issued.link_id, issued.code, f"/s/{issued.secret}", f"/s/open/{issued.link_id}/")


def send_invitation(tenant: Tenant, sender: User, uid: str, birth_date: dt.date | None = None) -> Sent:
    """An invitation to Pat."""
    with tenant_scope(tenant.id):
        issued = invite_patient(
            actor(sender), uid, email="pat@home.example", birth_date=birth_date, now=timezone.now()
        )
    page = f"/records/open/{issued.invitation_id}/"
    return Sent(issued.invitation_id, issued.code, f"/records/{issued.secret}", page)


def redeem(sent: Sent, client: Client | None = None) -> Client:
    """A browser in which the right code has been entered."""
    client = client or Client()
    answer = client.post(sent.path, proof(sent))
    assert (answer.status_code, answer["Location"]) == (302, sent.page), answer.content
    return client


def proof(sent: Sent, code: str = "", born: dt.date = BORN) -> dict[str, str]:
    """What the form of either kind of link asks for."""
    code = code or sent.code
    return {"code": code, "birth_date": born.isoformat()} if sent.path.startswith("/records") else {"code": code}


def history(tenant: Tenant, subject: object = None) -> list[tuple[str, str]]:
    """(action, actor's label) of the tenant's events, or of those about one link, oldest first."""
    with tenant_scope(tenant.id):
        events = AuditEvent.objects.order_by("seq")
        events = events.filter(subject_id=str(subject)) if subject else events
        return list(events.values_list("action", "actor_label"))


def shown_code(answer: HttpResponse) -> str:
    return re.search(r'id="code">([0-9]{6})<', answer.content.decode()).group(1)


def shown_path(answer: HttpResponse) -> str:
    return re.search(r'id="link">https?://[^/]+(/[^<]+)<', answer.content.decode()).group(1)
