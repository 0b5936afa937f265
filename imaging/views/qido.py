"""QIDO-RS: searching for studies, series and instances (PS3.18 §10.6)."""

import json

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from imaging.selectors.qido import Found, Query, instance_query, series_query, study_query
from imaging.services import searches
from imaging.views.dicomweb import dicomweb
from imaging.views.media import require_json


@dicomweb
def search_for_studies(request: HttpRequest) -> HttpResponseBase:
    """QIDO-RS `/studies`: members and tokens only."""
    require_json(request.headers.get("Accept"))
    query = study_query(dict(request.GET.lists()))
    return _found(searches.search_for_studies(request.actor, query, request.dicomweb_root), query)


@dicomweb
def search_for_series(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """QIDO-RS `/studies/{study}/series`."""
    require_json(request.headers.get("Accept"))
    query = series_query(dict(request.GET.lists()))
    return _found(searches.search_for_series(request.actor, study_instance_uid, query, request.dicomweb_root), query)


@dicomweb
def search_for_instances(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str | None = None
) -> HttpResponseBase:
    """QIDO-RS `/studies/{study}/instances` and `/studies/{study}/series/{series}/instances`."""
    require_json(request.headers.get("Accept"))
    query = instance_query(dict(request.GET.lists()))
    found = searches.search_for_instances(
        request.actor, study_instance_uid, series_instance_uid, query, request.dicomweb_root
    )
    return _found(found, query)


def _found(found: Found, query: Query) -> HttpResponse:
    response = HttpResponse(
        json.dumps(found.objects, ensure_ascii=False, separators=(",", ":")), content_type="application/dicom+json"
    )
    warnings = []
    if query.unsupported:
        warnings.append('299 collimate "Parameters that are not supported were ignored."')
    if found.more:
        warnings.append('299 collimate "There are additional results that can be requested."')
    if warnings:
        response["Warning"] = ", ".join(warnings)
    return response
