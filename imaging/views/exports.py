"""Printing and exporting images, for members, links that allow downloads, and patients."""

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from imaging.forms.exports import MAX_BODY, BadOrder, read_order
from imaging.services.answers import NotAcceptable
from imaging.services.exports import order_export, require_taker
from imaging.services.frames import FrameMissing, FramesUnknown
from imaging.views.guards import reader


@reader
@require_POST
def study_export(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """A PDF; or for what the browser makes itself, a picture or pages to print, the words that go with it."""
    require_taker(request.actor, study_instance_uid)
    try:
        order = read_order(request.read(MAX_BODY + 1))
        export = order_export(request.actor, study_instance_uid, order, request.tenant, timezone.now())
    except BadOrder:
        return JsonResponse({"error": "bad-order"}, status=400)
    except (NotAcceptable, FrameMissing, FramesUnknown):
        return JsonResponse({"error": "not-drawable"}, status=422)
    if order.kind == "pdf":
        response = StreamingHttpResponse(export.chunks(), content_type="application/pdf")
        response["Content-Disposition"] = 'attachment; filename="images.pdf"'
    else:
        response = JsonResponse(vars(export.furniture))
    response["Cache-Control"] = "private, no-store"
    return response
