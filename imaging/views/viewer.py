"""The viewer's page."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from imaging.models import Study
from imaging.selectors.names import display_name
from imaging.services.openings import open_study
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member

# Codecs are WebAssembly and run in workers; the bundle starts them from blob: URLs.
_POLICY = {
    "script-src": ["'wasm-unsafe-eval'"],
    "worker-src": ["'self'", "blob:"],
    "connect-src": ["blob:", "data:"],
}


@member()
@require_safe
@refusals_answered
def study_viewer(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """The study in the viewer, for a member."""
    slug = request.tenant.slug
    return render_viewer(
        request,
        study=open_study(actor_of(request), study_instance_uid),
        dicomweb_root=f"/t/{slug}/dicomweb",
        back_url=reverse("study", args=[slug, study_instance_uid]),
        download_url=reverse("study_download", args=[slug, study_instance_uid]),
    )


@csp_update(_POLICY)
def render_viewer(
    request: HttpRequest, *, study: Study, dicomweb_root: str, back_url: str, download_url: str = ""
) -> HttpResponse:
    """The viewer's page for a study that the caller has fetched through access; an empty `download_url` offers none."""
    context = {
        "dicomweb_root": dicomweb_root,
        "study_instance_uid": study.study_instance_uid,
        "title": " · ".join(filter(None, (display_name(study.patient_name), study.patient_id))),
        "subtitle": _subtitle(study),
        "back_url": back_url,
        "download_url": download_url,
        "series_instance_uid": request.GET.get("series", ""),
    }
    return render(request, "imaging/viewer.html", context)


def _subtitle(study: Study) -> str:
    day = study.study_date.isoformat() if study.study_date else ""
    return " · ".join(filter(None, (study.modalities.replace("\\", ", "), day)))
