"""OHIF, the diagnostic viewer for desktops, from our own origin and over our own DICOMweb.

It gets no token: the session's cookie goes with its requests, as with the page's own. Its one data source is the
tenant's service; those that take an address from the URL are not in the bundle (static/ohif/build.js).
"""

import json

from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.services.openings import open_study
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member

MOST_STUDIES = 4  # beside each other in one window
# Codecs are WebAssembly, workers start from blob: URLs, and its components style themselves by attribute.
_POLICY = {
    "script-src": ["'wasm-unsafe-eval'"],
    "style-src": ["'unsafe-inline'"],
    "worker-src": ["'self'", "blob:"],
}

_SCRIPT = """\
window.PUBLIC_URL = %s;
window.config = %s;
window.config.whiteLabeling = {
  createLogoComponentFn: (React) => React.createElement('a', { href: %s, className: 'text-primary' }, '‹ Studies'),
};
"""


@member()
@require_safe
@refusals_answered
@csp_update(_POLICY)
def ohif_viewer(request: HttpRequest) -> HttpResponse:
    """The viewer for the studies in `?StudyInstanceUIDs=`, where its script looks for them; each look is recorded."""
    actor = actor_of(request)
    for study_instance_uid in _study_uids(request):
        open_study(actor, study_instance_uid)
    return render(request, "imaging/ohif.html", {"tenant": request.tenant})


@member()
@require_safe
def ohif_config(request: HttpRequest) -> HttpResponse:
    """What the viewer reads before it starts: where the tenant's service is, and nothing of a patient."""
    slug = request.tenant.slug
    told = [static("ohif/"), _config(slug), reverse("worklist", args=[slug])]
    return HttpResponse(_SCRIPT % tuple(map(json.dumps, told)), content_type="text/javascript; charset=utf-8")


def _study_uids(request: HttpRequest) -> list[str]:
    """As OHIF reads them: several parameters, or several UIDs with commas between them. Raises Http404."""
    uids = [uid for value in request.GET.getlist("StudyInstanceUIDs") for uid in value.split(",")]
    if not 0 < len(uids) <= MOST_STUDIES:
        raise Http404
    try:
        return [validate_uid(uid) for uid in uids]
    except InvalidUID:
        raise Http404 from None


def _config(slug: str) -> dict[str, object]:
    return {
        "routerBasename": reverse("ohif", args=[slug]).removesuffix("/viewer"),
        "extensions": [],
        "modes": [],
        "showStudyList": False,  # the portal has its own, and opening a study from it is recorded
        "showErrorDetails": "production",
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": True,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "investigationalUseDialog": {"option": "configure", "days": 30},
        "maxNumRequests": {"interaction": 20, "thumbnail": 4, "prefetch": 10},
        # Nothing is stored from here, so what would be lost cannot be begun; and no tour stands before the images.
        "customizationService": [{"panelSegmentation.disableEditing": {"$set": True}, "ohif.tours": {"$set": []}}],
        "defaultDataSourceName": "collimate",
        "dataSources": [_data_source(slug)],
    }


def _data_source(slug: str) -> dict[str, object]:
    root = f"/t/{slug}/dicomweb"
    return {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "collimate",
        "configuration": {
            "friendlyName": "Collimate",
            "name": "collimate",
            "qidoRoot": root,
            "wadoRoot": root,
            "qidoSupportsIncludeField": True,
            "supportsFuzzyMatching": True,
            "supportsWildcard": True,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "singlepart": "bulkdata,pdf,video",
            "bulkDataURI": {"enabled": True},
            "omitQuotationForMultipartRequest": False,
            "supportsStow": False,
            "dicomUploadEnabled": False,
        },
    }
