"""Taking a study's original files away."""

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from imaging.services.archive import Archive, archive_of
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member


@member()
@require_safe
@refusals_answered
def study_download(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """The study as a ZIP, for a member."""
    return download_response(archive_of(actor_of(request), study_instance_uid))


def download_response(archive: Archive) -> StreamingHttpResponse:
    """An archive as a download of known length; also for share links and patients."""
    response = StreamingHttpResponse(archive.chunks(), content_type="application/zip")
    response["Content-Length"] = archive.length
    response["Content-Disposition"] = f'attachment; filename="{archive.filename}"'
    response["Cache-Control"] = "private, no-store"
    return response
