"""DELETE in DICOMweb: PS3.18 leaves it to the origin server; here it asks for the purge of the retention rules."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.forms.api_studies import PurgeOrderSerializer
from imaging.models import AccessToken
from imaging.services.deletion import RetentionNotEnded, ask_for_deletion
from imaging.services.retention import StudyHeld
from imaging.views.writers import find_writer, record_denied
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant

HELD = "The study is under legal hold."
WHOLE_STUDIES = "Only whole studies can be deleted, by the practice's retention rules."
NO_METHOD = "There is no such method at this address."


def delete_study(request: HttpRequest, slug: str, study_instance_uid: str) -> HttpResponse:
    """The first of two yeses to the study's purge: 202 with where it stands, or 409 with what stands in the way.

    With the scope `delete`, or from a session of an owner or uploader with its CSRF token.
    """
    tenant = find_tenant(slug)
    actor = find_writer(request, slug, tenant, AccessToken.Scope.DELETE)
    if isinstance(actor, HttpResponse):
        return actor
    try:
        validate_uid(study_instance_uid)
        with tenant_scope(tenant.id):
            order = ask_for_deletion(actor, tenant, study_instance_uid, timezone.now())
            return JsonResponse(PurgeOrderSerializer(order).data, status=202)
    except (InvalidUID, StudyNotFound):
        record_denied(request, tenant, actor, Action.ACCESS_DENIED)
        raise Http404 from None
    except StudyHeld:
        return JsonResponse({"reason": HELD}, status=409)
    except RetentionNotEnded as refusal:
        return JsonResponse({"reason": str(refusal)}, status=409)


def refuse_method(request: HttpRequest, allowed: str) -> HttpResponse:
    """405 and why: instances of a study share its fate, and nothing else is changed where things are read."""
    reason = WHOLE_STUDIES if request.method == "DELETE" else NO_METHOD
    return JsonResponse({"reason": reason}, status=405, headers={"Allow": allowed})
