"""A few pictures out of a series, to scrub through."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from imaging.services.strips import list_positions
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member

_SMALL = "?viewport=160,160"


@member()
@require_safe
@refusals_answered
def series_strip(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> JsonResponse:
    """Addresses of small pictures of frames that lie evenly through the series, in its order."""
    positions = list_positions(actor_of(request), study_instance_uid, series_instance_uid)
    above = (request.tenant.slug, study_instance_uid, series_instance_uid)
    urls = [reverse("thumbnail_frame", args=[*above, uid, str(frame)]) + _SMALL for uid, frame in positions]
    return JsonResponse({"frames": urls})
