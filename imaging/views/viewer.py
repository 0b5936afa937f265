"""The viewer's page, and the other studies of its patient."""

import json
from functools import cache

from csp.decorators import csp_update
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from imaging.models import Study
from imaging.selectors.pictures import find_opening_image
from imaging.selectors.priors import Prior, identity_of
from imaging.selectors.studies import find_first_images
from imaging.services.openings import open_for_reading
from imaging.services.searches import search_priors
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member
from tenants.models import Role, Tenant

_POSTER_EDGE = 1024  # px, as in poster.js
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
        study=open_for_reading(actor_of(request), study_instance_uid, timezone.now()),
        dicomweb_root=f"/t/{slug}/dicomweb",
        back_url=reverse("study", args=[slug, study_instance_uid]),
        download_url=reverse("study_download", args=[slug, study_instance_uid]),
        priors_url=reverse("study_priors", args=[slug, study_instance_uid]),
        keep_url=_keep_url(request, study_instance_uid),
    )


def _keep_url(request: HttpRequest, study_instance_uid: str) -> str:
    """Where a mount is kept, for whoever may change the study."""
    may_change = request.membership.role in (Role.OWNER, Role.UPLOADER)
    return reverse("study_mount_keep", args=[request.tenant.slug, study_instance_uid]) if may_change else ""


@member()
@require_safe
@refusals_answered
def study_priors(request: HttpRequest, study_instance_uid: str) -> JsonResponse:
    """The patient's other studies, newest first, for the viewer's list of series."""
    priors = search_priors(actor_of(request), study_instance_uid)
    return JsonResponse({"studies": [_prior(each) for each in priors]})


def _prior(prior: Prior) -> dict[str, object]:
    return {
        "study": prior.study_instance_uid,
        "title": prior.title,
        "date": prior.study_date.isoformat() if prior.study_date else "",
        "description": prior.description,
        "modalities": list(prior.modalities),
        "instances": prior.instance_count,
    }


@csp_update(_POLICY)
def render_viewer(
    request: HttpRequest,
    *,
    study: Study,
    dicomweb_root: str,
    back_url: str,
    download_url: str = "",
    priors_url: str = "",
    keep_url: str = "",
) -> HttpResponse:
    """The viewer's page for a study that the caller has fetched through access; an empty address offers nothing."""
    names_study = [request.tenant.slug, study.study_instance_uid]
    first_series = find_first_images(study)
    context = {
        "mount_url": reverse("study_mount", args=names_study),
        "keep_url": keep_url,
        "is_dental": request.tenant.kind == Tenant.Kind.DENTAL,
        "export_url": reverse("study_export", args=names_study) if download_url else "",
        "dicomweb_root": dicomweb_root,
        "study_instance_uid": study.study_instance_uid,
        "title": identity_of(study),
        "subtitle": _subtitle(study),
        "study_date": study.study_date.isoformat() if study.study_date else "",
        "back_url": back_url,
        "download_url": download_url,
        "priors_url": priors_url,
        "marks_url": reverse("study_marks", args=names_study),
        "series_instance_uid": request.GET.get("series", ""),
        "first_series": first_series,
        "poster": _poster(study, request.GET.get("series") or first_series, dicomweb_root),
        "preloads": _preloads(),
    }
    return render(request, "imaging/viewer.html", context)


def _poster(study: Study, series_uid: str, dicomweb_root: str) -> str:
    """Address of the picture that stands on the screen until the viewer draws (static/src/viewer/poster.js), or ''."""
    image = find_opening_image(study, series_uid) if series_uid else None
    if image is None:
        return ""
    edges = f"{min(image.columns, _POSTER_EDGE)},{min(image.rows, _POSTER_EDGE)}"
    series = f"{dicomweb_root}/studies/{study.study_instance_uid}/series/{series_uid}"
    return f"{series}/instances/{image.sop_instance_uid}/frames/1/rendered?viewport={edges}"


@cache
def _preloads() -> tuple[str, ...]:
    """Chunks of the script that the first image needs, as it needs them: fetched while the browser reads the page."""
    try:
        manifest = json.loads(staticfiles_storage.open("viewer/manifest.json").read())
    except FileNotFoundError:
        return ()
    roots = ("src/viewer/main.js", "src/viewer/reading.js")
    names = dict.fromkeys(name for root in roots for name in (root, *manifest[root]["imports"]))
    return tuple(staticfiles_storage.url(manifest[name]["file"]) for name in names)


def _subtitle(study: Study) -> str:
    day = study.study_date.isoformat() if study.study_date else ""
    return " · ".join(filter(None, (study.modalities.replace("\\", ", "), day)))
