"""Taking a study's original files away, all at once or, after an interruption, the rest (RFC 9110 §14)."""

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from audit.actor import Actor
from imaging.services.archive import Archive, archive_of
from imaging.services.conditions import RangeNotSatisfiable
from imaging.views.conditional import conditions_of, mark_extent, range_not_satisfiable
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member


@member()
@require_safe
@refusals_answered
def study_download(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """The study as a ZIP, for a member."""
    return answer_download(request, actor_of(request), study_instance_uid)


def answer_download(request: HttpRequest, actor: Actor, study_instance_uid: str) -> HttpResponseBase:
    """The archive or the range of it that is asked for, or 416; for share links and patients too.

    Raises as `archive_of`, less `RangeNotSatisfiable`.
    """
    try:
        return download_response(archive_of(actor, study_instance_uid, conditions_of(request)))
    except RangeNotSatisfiable as refusal:
        return range_not_satisfiable(refusal.length)


def download_response(archive: Archive) -> StreamingHttpResponse:
    """An archive, or a range of it, as a download of known length."""
    response = StreamingHttpResponse(archive.chunks(), content_type="application/zip")
    mark_extent(response, archive.etag, archive.length, archive.extent)
    response["Content-Disposition"] = f'attachment; filename="{archive.filename}"'
    response["Cache-Control"] = "private, no-store"
    return response
