"""Who stands behind a request for images: a member, a bearer token, a redeemed share link or a verified patient.

`reader` is the guard of every DICOMweb read. It finds the actor, opens the tenant's scope, and turns what access
refuses into the same 404 for all, with an event in the trail.
"""

from collections.abc import Callable
from functools import partial, wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit.actions import Action, Outcome
from audit.actor import Actor, ActorKind, recorded_label
from audit.services import record
from imaging.access import StudyNotFound, find_live_invitation, find_live_link
from imaging.models import AccessToken
from imaging.services.bearer import find_bearer_actor
from tenants.actors import actor_of, origin_of
from tenants.baas.access import NoAgreementInForce
from tenants.decorators import guard
from tenants.models import Tenant
from tenants.readers import enter_clock
from tenants.scoping import tenant_scope, tenant_scope_of
from tenants.selectors import enter_tenant, find_membership

View = Callable[..., HttpResponse]
MAX_GRANTS = 20


def reader(view: View) -> View:
    """Guard of a DICOMweb read: sets `request.actor` and `request.tenant`, runs the view in the tenant's scope."""

    @guard("reader")
    @wraps(view)
    def inner(request: HttpRequest, slug: str, *args: object, **kwargs: object) -> HttpResponse:
        try:
            with tenant_scope_of(partial(enter_tenant, slug)) as tenant:
                actor = tenant and find_reader(request, tenant, str(kwargs.get("study_instance_uid", "")))
                request.tenant, request.actor = tenant, actor
                if actor:
                    return view(request, *args, **kwargs)
        except (StudyNotFound, Http404):
            _record_refusal(request, request.tenant, request.actor, Action.ACCESS_DENIED)
            raise Http404 from None
        except NoAgreementInForce as refusal:
            _record_refusal(request, request.tenant, request.actor, Action.GATE_REFUSED)
            return JsonResponse({"reason": refusal.reason}, status=403)
        return _turn_away(request, tenant)

    return inner


def run_as(
    request: HttpRequest, tenant: Tenant, actor: Actor, view: View, *args: object, **kwargs: object
) -> HttpResponse:
    """Call a view as the actor inside the tenant's scope; what is refused is in the trail.

    Raises
    ------
    Http404
    NoAgreementInForce
    """
    request.tenant, request.actor = tenant, actor
    enter_clock(request, tenant)
    try:
        with tenant_scope(tenant.id):
            return view(request, *args, **kwargs)
    except (StudyNotFound, Http404):
        _record_refusal(request, tenant, actor, Action.ACCESS_DENIED)
        raise Http404 from None
    except NoAgreementInForce:
        _record_refusal(request, tenant, actor, Action.GATE_REFUSED)
        raise


def find_reader(request: HttpRequest, tenant: Tenant, study_instance_uid: str) -> Actor | None:
    """The strongest claim the request has on the active tenant's images, or None."""
    if request.headers.get("Authorization", "").startswith("Bearer "):
        return find_bearer(request, AccessToken.Scope.READ)
    user = request.user
    if user.is_authenticated and user.is_verified() and find_membership(user, tenant.slug):
        return actor_of(request)
    return find_guest(request, tenant.id, study_instance_uid)


def find_bearer(request: HttpRequest, scope: AccessToken.Scope) -> Actor | None:
    """The member behind the request's bearer token, if it is good for the active tenant and the scope."""
    secret = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return find_bearer_actor(secret, scope, timezone.now(), **origin_of(request))


def add_grant(
    request: HttpRequest,
    kind: ActorKind,
    subject_id: UUID,
    tenant_id: UUID,
    study_instance_uid: str,
    label: str = "",
) -> None:
    """Remember in a fresh session that this browser redeemed a link or proved to be a patient.

    `label` is what the trail calls them, and never a patient's address.
    """
    grants = [grant for grant in request.session.get("grants", []) if grant["id"] != str(subject_id)]
    request.session.cycle_key()
    grants.append({
        "kind": kind.value, "id": str(subject_id), "tenant": str(tenant_id), "study": study_instance_uid,
        "label": label,
    })  # fmt: skip
    request.session["grants"] = grants[-MAX_GRANTS:]


def find_grant(request: HttpRequest, kind: ActorKind, subject_id: UUID) -> tuple[Actor, UUID, str] | None:
    """Actor, tenant id and Study Instance UID of a grant of this browser; whether it still holds, access decides."""
    for grant in request.session.get("grants", []):
        if grant["kind"] == kind.value and grant["id"] == str(subject_id):
            return _guest(request, grant), UUID(grant["tenant"]), grant["study"]
    return None


def drop_grant(request: HttpRequest, subject_id: UUID) -> None:
    """Forget a grant; the session is emptied when it was the last and nobody is signed in."""
    grants = [grant for grant in request.session.get("grants", []) if grant["id"] != str(subject_id)]
    if grants or request.user.is_authenticated:
        request.session["grants"] = grants
    else:
        request.session.flush()


def find_guest(request: HttpRequest, tenant_id: UUID, study_instance_uid: str) -> Actor | None:
    """The redeemed link or verified patient of this browser for this very study, or None.

    Of several, the latest that still works; when none does, the latest, which access then refuses.
    """
    guests = [
        _guest(request, grant)
        for grant in reversed(request.session.get("grants", []))
        if grant["tenant"] == str(tenant_id) and grant["study"] == study_instance_uid
    ]
    if len(guests) < 2:
        return guests[0] if guests else None
    with tenant_scope(tenant_id):
        return next((guest for guest in guests if _is_live(guest)), guests[0])


def _is_live(guest: Actor) -> bool:
    now = timezone.now()
    return bool(find_live_link(guest, now) or find_live_invitation(guest, now))


def _guest(request: HttpRequest, grant: dict[str, str]) -> Actor:
    kind = ActorKind(grant["kind"])
    return Actor(kind, grant["id"], grant.get("label") or recorded_label(kind), **origin_of(request))


def _turn_away(request: HttpRequest, tenant: Tenant | None) -> HttpResponse:
    """A caller without a claim: whoever is known gets the 404 of what is not there, others are asked who they are.

    The same answer for a tenant that exists and one that does not.
    """
    if caller := _find_caller(request):
        if tenant:
            _record_refusal(request, tenant, caller, Action.ACCESS_DENIED)
        raise Http404
    response = HttpResponse(status=401)
    response["WWW-Authenticate"] = 'Bearer realm="collimate"'
    return response


def _find_caller(request: HttpRequest) -> Actor | None:
    """Whoever signed in or redeemed something here, though it be for something else."""
    if request.headers.get("Authorization", "").startswith("Bearer "):
        return None
    if request.user.is_authenticated and request.user.is_verified():
        return actor_of(request)
    grants = request.session.get("grants", [])
    return _guest(request, grants[-1]) if grants else None


def _record_refusal(request: HttpRequest, tenant: Tenant, actor: Actor, action: Action) -> None:
    with tenant_scope(tenant.id):
        details = {"view": request.resolver_match.view_name or "", "method": request.method}
        record(action, actor, outcome=Outcome.DENIED, details=details)
