"""The page of one patient: all their studies."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from imaging.services.searches import list_patient_studies
from imaging.views.refusals import refusals_answered
from tenants.actors import actor_of
from tenants.decorators import member
from tenants.models import Role


@member()
@require_safe
@refusals_answered
def patient_studies(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """All studies of a study's patient, on a time line and as a list. The address names the study, not the patient."""
    page = list_patient_studies(actor_of(request), study_instance_uid, timezone.now())
    may_change = request.membership.role in (Role.OWNER, Role.UPLOADER)
    context = {
        "nav": "worklist", "tenant": request.tenant, "membership": request.membership, "may_change": may_change,
        "page": page,
    }  # fmt: skip
    return render(request, "imaging/patient_studies.html", context)
