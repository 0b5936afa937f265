"""Devices that send by DICOM over TLS: an owner's page."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imaging.access import StudyNotFound
from imaging.forms.devices import DeviceForm
from imaging.models import ApplicationEntity
from imaging.services import devices as service
from imaging.services.device_certificates import CertificateUnfit
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for
from tenants.models import Role


@member(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
@not_found_for(StudyNotFound)
def devices(request: HttpRequest) -> HttpResponse:
    """Where devices send to, those that may, and one more."""
    if request.method != "POST":
        return _show(request, DeviceForm())
    form = DeviceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, form)
    try:
        return _add(request, form.cleaned_data)
    except CertificateUnfit as error:
        form.add_error("certificate", str(error))
    except service.DeviceKnown:
        form.add_error(None, _("There is a device with this AE title and this certificate already."))
    return _show(request, form)


@require_POST
@member(Role.OWNER)
@not_found_for(StudyNotFound, ApplicationEntity.DoesNotExist)
def device_revoke(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Shut the door to a device."""
    service.revoke_device(actor_of(request), device_id, timezone.now())
    messages.success(request, _("Revoked. What it sends from now on is refused."))
    return redirect("devices", request.tenant.slug)


@member(Role.OWNER)
@require_safe
def device_server_certificate(request: HttpRequest, region: int) -> HttpResponse:
    """The certificate that a region's door shows, for the devices to trust."""
    try:
        certificate = service.read_server_certificate(region)
    except service.NoServerCertificate:
        raise Http404 from None
    response = HttpResponse(certificate, content_type="application/x-pem-file")
    response["Content-Disposition"] = f'attachment; filename="collimate-dicom-region{region}.crt"'
    return response


def _add(request: HttpRequest, wanted: dict[str, object]) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    name, ae_title = str(wanted["name"]), str(wanted["ae_title"])
    if wanted["proof"] == DeviceForm.NEW:
        device, issued = service.add_device_with_new_key(actor, name, ae_title, now)
        request.tenant.refresh_from_db()
        context = _context(request) | {"device": device, "issued": issued}
        return render(request, "imaging/connections/devices_issued.html", context)
    service.add_device(actor, name, ae_title, wanted["pem"], now)
    messages.success(request, _("{name} may send from now on.").format(name=name))
    return redirect("devices", request.tenant.slug)


def _show(request: HttpRequest, form: DeviceForm) -> HttpResponse:
    return render(request, "imaging/connections/devices.html", _context(request) | {"form": form})


def _context(request: HttpRequest) -> dict[str, object]:
    return {
        "nav": "connections",
        "tab": "devices",
        "tenant": request.tenant,
        "membership": request.membership,
        "page": service.show_devices(actor_of(request), request.tenant, timezone.now()),
    }
