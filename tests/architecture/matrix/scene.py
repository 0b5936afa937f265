"""Two furnished practices, everyone who might call, and for each object the values that stand in an address.

What could tell one practice's things from another's has the same length everywhere, so that answers can be compared
by their length. Canaries are words that stand in one patient's or one practice's rows and nowhere else.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from imaging.models import (
    AccessToken,
    ApplicationEntity,
    Drill,
    FailoverOrder,
    KeyDestruction,
    SavedFilter,
    Series,
    Study,
    Upload,
)
from imaging.services import purge, retention, thumbnails
from imaging.services.packing import pack_series
from imaging.services.regions import get_vault
from imaging.services.tokens import issue_token
from imaging.services.webhooks import add_webhook
from tenants.baas.models import Agreement
from tenants.models import Invitation, Membership, Role, SecretKind, Tenant, User
from tenants.scoping import tenant_scope
from tenants.secrets import issue_secret
from tests.architecture.matrix.policy import ACTORS, NORTH, OBJECTS, SOUTH, Actor
from tests.cast import actor, add_person, add_tenant, sign_in
from tests.imaging.dicom.hostile import ROOT
from tests.imaging.incoming import instance, take_in
from tests.imaging.sharing import Sent, redeem, send_invitation, send_link

STUDIES = {"own": 1, "other patient": 2, "held": 3, "deleted": 4, "other tenant": 5, "unknown": 9}
LONG_AFTER = timedelta(days=11 * 366)
CANARIES = {
    "own": "KANARIEOWN", "other patient": "KANARIEOTHER", "held": "KANARIEHELD", "deleted": "KANARIEGONE",
    "other tenant": "KANARIESTRANGE", "north": "kanarienorth", "south": "kanariesouth",
}  # fmt: skip
# What an address names: parameters that lead to a thing of a practice, beyond the practice itself.
PRACTICE = {"slug"}
QUERIES = {
    "ohif": "?StudyInstanceUIDs={study_instance_uid}",
    "wado_uri": "?requestType=WADO&studyUID={study_instance_uid}&seriesUID={series_instance_uid}"
    "&objectUID={sop_instance_uid}",
}
INDIFFERENT = {"region", "frame_list", "tag_path", "rest"}


@dataclass(frozen=True)
class Caller:
    """An actor's browser or program: what goes with each request."""

    actor: Actor
    headers: dict[str, str]


@dataclass(frozen=True)
class Scene:
    """`values[object][parameter]`; `callers` in the policy's order."""

    values: dict[str, dict[str, str]]
    callers: list[Caller]


def set_scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Furnish both practices. Runs within a transaction that its caller rolls back."""
    monkeypatch.setattr(thumbnails, "render_thumbnail", lambda *_: b"RIFF\x04\x00\x00\x00WEBP")
    north, south = add_tenant(NORTH, "Northside Dental"), add_tenant(SOUTH, "Southside Dental")
    people = {
        "alice": add_person("Alice", north, Role.OWNER), "bob": add_person("Bob", north, Role.UPLOADER),
        "nora": add_person("Nora", north, Role.VIEWER), "removed": add_person("Removed", north, Role.OWNER),
        "carol": add_person("Carol", south, Role.OWNER), "vera": add_person("Vera", None, is_vendor_admin=True),
    }  # fmt: skip
    alice, bob, carol = people["alice"], people["bob"], people["carol"]
    browsers = {name: sign_in(user) for name, user in people.items()}
    _bring_in(north, bob, "deleted")
    sent = {"deleted": _send(north, bob, "deleted")}
    _purge(north, alice, bob)
    for name in ("own", "other patient", "held"):
        _bring_in(north, bob, name)
        sent[name] = _send(north, bob, name)
    with tenant_scope(north.id):
        retention.place_hold(actor(alice), uid_of("held"), CANARIES["held"], timezone.now())
    _bring_in(south, carol, "other tenant")
    sent["other tenant"] = _send(south, carol, "other tenant")
    link, invitation = sent["own"]
    browsers |= {"rita": redeem(link), "pat": redeem(invitation), "anonymous": Client()}
    tokens = {name: _issue(north, alice, scopes, CANARIES["north"]) for name, scopes in _SCOPES.items()}
    rows = {
        "own": _furnish(north, alice, people["vera"], CANARIES["north"]),
        "other tenant": _furnish(south, carol, people["vera"], CANARIES["south"]),
        "deleted": _furnish(north, alice, people["vera"], "x" * 12, remove=True),
    }
    Membership.objects.filter(user=people["removed"]).delete()
    return Scene(_values(sent, rows, people), [_caller(each, browsers, tokens) for each in ACTORS])


def uid_of(name: str) -> str:
    """The Study Instance UID of an object's study."""
    return f"{ROOT}.{STUDIES[name]}"


def names_thing(route: str, name: str) -> bool:
    """Whether an address of the route names something of a practice, in its path or behind the question mark."""
    return name in QUERIES or bool(set(_parameters(route)) - PRACTICE - INDIFFERENT)


def address_of(scene: Scene, route: str, name: str, on: str) -> str:
    """The address of the route named `name` for an object."""
    values = scene.values[on]

    def value(match: re.Match) -> str:
        parameter = match.group(1)
        kind = "api" if name.startswith("api") else name.partition("_")[0]
        named = (f"{name}:{parameter}", f"{kind}:{parameter}", parameter)
        return next(values[each] for each in named if each in values)

    query = QUERIES.get(name, "").format(**values)
    return "/" + re.sub(r"<(?:[^:>]+:)?([^>]+)>", value, route) + query


def _parameters(route: str) -> list[str]:
    return re.findall(r"<(?:[^:>]+:)?([^>]+)>", route)


_SCOPES = {"token": ["read"], "robot": AccessToken.Scope.values}


def _bring_in(tenant: Tenant, sender: User, name: str) -> None:
    canary = CANARIES[name]
    tags = {"PatientName": f"{canary}^Ann", "PatientID": canary, "PatientBirthDate": "19700131"}
    tags |= {"StudyDescription": f"{canary} study", "EncapsulatedDocument": canary.encode() * 200}
    take_in(actor(sender), tenant, {"a.dcm": instance(1, study=STUDIES[name], **tags)})
    with tenant_scope(tenant.id):
        series_id = Series.objects.get(study__study_instance_uid=uid_of(name)).id
    thumbnails.draw_thumbnail(tenant.id, series_id)
    pack_series(tenant.id, series_id, timezone.now() + timedelta(minutes=1))
    retention.mark_ended_retention(tenant.id, timezone.now() + LONG_AFTER)


def _send(tenant: Tenant, sender: User, name: str) -> tuple[Sent, Sent]:
    return send_link(tenant, sender, uid_of(name)), send_invitation(tenant, sender, uid_of(name))


def _purge(tenant: Tenant, alice: User, bob: User) -> None:
    """As two people want it, long after, of the only study there is."""
    now = timezone.now() + LONG_AFTER
    with tenant_scope(tenant.id):
        retention.request_purge(actor(bob), uid_of("deleted"), now)
        retention.approve_purge(actor(alice), uid_of("deleted"), now)
        study_id = Study.objects.get().id
    purge.purge_study(tenant.id, study_id, now + timedelta(days=31))


def _issue(tenant: Tenant, owner: User, scopes: list[str], name: str) -> str:
    now = timezone.now()
    with tenant_scope(tenant.id):
        return issue_token(actor(owner), owner, list(scopes), now + timedelta(days=1), now, name)


def _furnish(tenant: Tenant, owner: User, vera: User, canary: str, remove: bool = False) -> dict[str, str]:
    """One of everything that an address can name; gone again at once if it is to `remove`."""
    now = timezone.now()
    with tenant_scope(tenant.id):
        upload = Upload.objects.create(
            created_by=owner, batch=uuid4(), kind="file", filename=canary, length=9, created_at=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
        _, digest = issue_secret(SecretKind.MEMBER_INVITATION, tenant.id)
        invited = Invitation.objects.create(
            email=f"{canary}@new.example", name="New", role=Role.VIEWER, digest=digest, invited_by=owner,
            created_at=now, expires_at=now + timedelta(days=1),
        )  # fmt: skip
        drill = Drill.objects.create(started_at=now, finished_at=now, passed=True, report=uuid4())
        webhook = add_webhook(actor(owner), f"https://{canary}.example/", ["study.received"], now)
        _issue(tenant, owner, ["read"], canary)
        token = AccessToken.objects.latest("created_at")
        device = ApplicationEntity.objects.create(
            name=canary, ae_title="MODALITY", certificate="", fingerprint=uuid4().bytes * 2, expires_at=now,
            created_by=owner, created_at=now,
        )  # fmt: skip
        destruction = KeyDestruction.objects.create(reason="No more", requested_by=vera, requested_at=now)
        destroyed = KeyDestruction.objects.create(
            reason="Gone", requested_by=vera, requested_at=now, approved_by=owner, approved_at=now, carried_out_at=now
        )
        kept = SavedFilter.objects.create(owner=owner, name=canary, wanted={"words": canary}, created_at=now)
        rows = [upload, invited, drill, webhook, token, device, destruction, destroyed, kept]
    order = FailoverOrder.objects.create(to_region=2, reason="Because", requested_by=vera, requested_at=now)
    person = add_person(f"{canary}-person", tenant, Role.VIEWER)
    membership = person.memberships.get()
    agreement = Agreement.objects.filter(tenant=tenant).first() if not remove else None
    get_vault(1).seal(tenant.id, drill.report, [b"%PDF-1.7"])
    values = {
        "upload_id": upload.id, "batch": upload.batch, "invitation:invitation_id": invited.id, "drill_id": drill.id,
        "webhook_id": webhook.id, "token_id": token.id, "device_id": device.id, "key:order_id": destruction.id,
        "key_certificate:order_id": destroyed.id, "filter_id": kept.id,
        "failover:order_id": order.pk, "membership_id": membership.pk,
        "agreement_id": agreement.id if agreement else uuid4(),
    }  # fmt: skip
    if remove:
        _remove(tenant, [*rows, order, membership])
    return {name: str(value) for name, value in values.items()}


def _remove(tenant: Tenant, rows: list) -> None:
    with tenant_scope(tenant.id):
        for row in rows:
            row.delete()


def _values(
    sent: dict[str, tuple[Sent, Sent]], rows: dict[str, dict[str, str]], people: dict[str, User]
) -> dict[str, dict[str, str]]:
    unknown = _unknown(rows["own"])
    found = {}
    for on, (tenant, _) in OBJECTS.items():
        # Only studies and links differ within a practice; of the rest there is one of each.
        source = {"smuggled": "other tenant", "unknown tenant": "unknown"}.get(on, on)
        there = rows.get(source) or (unknown if source == "unknown" else rows["own"])
        found[on] = there | _study_values(source) | _link_values(sent.get(source)) | {"slug": tenant} | _INDIFFERENT
    return found


def _unknown(known: dict[str, str]) -> dict[str, str]:
    """Of the same form and length, and nothing's."""
    return {
        name: str(uuid4()) if _is_uuid(value) else value[:-1] + str((int(value[-1]) + 5) % 10) if len(value) > 3
        else str(int(value) + 50)
        for name, value in known.items()
    }  # fmt: skip


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


_INDIFFERENT = {
    "region": "2", "frame_list": "1", "tag_path": "00420011", "rest": "nothing", "user": "Mg", "secret": "x" * 43,
    "reset:token": "x" * 39,
}  # fmt: skip


def _study_values(source: str) -> dict[str, str]:
    uid = uid_of(source)
    uids = {"study": uid, "series": f"{uid}.1", "sop": f"{uid}.1.1"}
    return {f"{name}_instance_uid": value for name, value in uids.items()}


def _link_values(sent: tuple[Sent, Sent] | None) -> dict[str, str]:
    """Ids and secrets of a study's share link and of its patient's invitation."""
    if sent is None:
        ids, secrets = (uuid4(), uuid4()), (uuid4().hex + uuid4().hex[:11], uuid4().hex + uuid4().hex[:11])
    else:
        ids, secrets = [each.id for each in sent], [each.path.rpartition("/")[2] for each in sent]
    return {
        "link_id": str(ids[0]), "share:grant_id": str(ids[0]), "leave:grant_id": str(ids[0]), "share:token": secrets[0],
        "patient:invitation_id": str(ids[1]), "patient:grant_id": str(ids[1]), "patient:token": secrets[1],
    }  # fmt: skip


def _caller(each: Actor, browsers: dict[str, Client], tokens: dict[str, str]) -> Caller:
    headers = {"Accept": "*/*"}
    if each.name in tokens:
        headers["Authorization"] = f"Bearer {tokens[each.name]}"
    elif browser := browsers.get(each.name):
        browser.get("/healthz")  # so that the session has been used, and is not written anew by each call
        headers["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    return Caller(each, headers)
