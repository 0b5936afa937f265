"""QIDO-RS: searching for studies, series and instances (PS3.18 §10.6).

Finding nothing is a success with an empty array: clients that parse every body need no case for 204. A search that
stopped early, or could not do all it was asked, says so in `Warning` headers.
"""

import json
from collections.abc import Callable, Iterator
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from audit.actor import ActorKind
from imaging.selectors.qido import Found, InvalidQuery, Level, Query, read_query
from imaging.services import searches
from imaging.services.searches import Grant
from imaging.views.dicomweb import dicomweb
from imaging.views.guards import find_grant
from imaging.views.media import require_json
from tenants.selectors import find_tenant

Search = Callable[..., tuple[Found, Query]]


def _answered(search: Search) -> Callable[..., HttpResponseBase]:
    """A view that answers with what `search` finds."""

    @wraps(search)
    def inner(request: HttpRequest, **uids: str) -> HttpResponseBase:
        media_type = require_json(request.headers.get("Accept"))
        try:
            found, query = search(request, **uids)
        except InvalidQuery as error:
            return JsonResponse({"reason": f"The parameter {error} cannot be understood."}, status=400)
        body = json.dumps(found.objects, ensure_ascii=False, separators=(",", ":"))
        response = HttpResponse(body, content_type=media_type.type)
        if warnings := [f'299 collimate "{text}"' for text in _warnings(found, query)]:
            response["Warning"] = ", ".join(warnings)
        return response

    return inner


def _practice_wide(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Guard as of any read. A guest needs a study to be let in by: it is one of those that their browser redeemed."""
    guarded = dicomweb(view)

    @wraps(guarded)  # its guard is ours
    def inner(request: HttpRequest, slug: str) -> HttpResponseBase:
        uid = _find_granted_study(request, slug)
        return guarded(request, slug, **({"study_instance_uid": uid} if uid else {}))

    return inner


def _find_granted_study(request: HttpRequest, slug: str) -> str:
    """The study that this browser redeemed last at the practice, or ''."""
    if "Authorization" in request.headers or not (grants := request.session.get("grants")):
        return ""
    tenant = find_tenant(slug)
    here = [grant["study"] for grant in grants if tenant and grant["tenant"] == str(tenant.id)]
    return here[-1] if here else ""


@_practice_wide
@_answered
def search_for_studies(request: HttpRequest, **_: str) -> tuple[Found, Query]:
    """QIDO-RS `/studies`."""
    return _search_practice(request, Level.STUDY)


@_practice_wide
@_answered
def search_for_all_series(request: HttpRequest, **_: str) -> tuple[Found, Query]:
    """QIDO-RS `/series`."""
    return _search_practice(request, Level.SERIES)


@_practice_wide
@_answered
def search_for_all_instances(request: HttpRequest, **_: str) -> tuple[Found, Query]:
    """QIDO-RS `/instances`."""
    return _search_practice(request, Level.INSTANCE)


@dicomweb
@_answered
def search_for_series(request: HttpRequest, study_instance_uid: str) -> tuple[Found, Query]:
    """QIDO-RS `/studies/{study}/series`."""
    return _search_study(request, Level.SERIES, study_instance_uid)


@dicomweb
@_answered
def search_for_instances(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str = ""
) -> tuple[Found, Query]:
    """QIDO-RS `/studies/{study}/instances` and `/studies/{study}/series/{series}/instances`."""
    return _search_study(request, Level.INSTANCE, study_instance_uid, series_instance_uid)


def _search_practice(request: HttpRequest, level: Level) -> tuple[Found, Query]:
    query = read_query(level, dict(request.GET.lists()))
    is_member = request.actor.kind is ActorKind.USER
    grants = [Grant(request.actor)] if is_member else list(_iter_grants(request))
    return searches.search_practice(grants, query, request.dicomweb_root), query


def _search_study(request: HttpRequest, level: Level, study_uid: str, series_uid: str = "") -> tuple[Found, Query]:
    query = read_query(level, dict(request.GET.lists()), within_study=True)
    return searches.search_study(request.actor, study_uid, series_uid, query, request.dicomweb_root), query


def _iter_grants(request: HttpRequest) -> Iterator[Grant]:
    """What this browser redeemed at the practice, latest first."""
    for grant in reversed(request.session.get("grants", [])):
        actor, tenant_id, study_uid = find_grant(request, ActorKind(grant["kind"]), UUID(grant["id"]))
        if tenant_id == request.tenant.id:
            yield Grant(actor, study_uid)


def _warnings(found: Found, query: Query) -> Iterator[str]:
    if query.ignored:
        yield "Parameters that are not supported were ignored."
    if query.fuzzy:
        yield "Names were matched by how their words begin, not by how they sound."
    if found.incomplete:
        yield "Attributes that are not kept for searching were left out."
    if found.partial:
        yield "The search stopped before it had looked at everything: there may be other results."
    if found.more:
        yield "There are additional results that can be requested."
