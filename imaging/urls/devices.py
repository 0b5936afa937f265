"""Routes of devices that send by DICOM over TLS."""

from django.urls import path

from imaging.views import devices

urlpatterns = [
    path("t/<slug:slug>/connections/devices/", devices.devices, name="devices"),
    path("t/<slug:slug>/connections/devices/<uuid:device_id>/revoke", devices.device_revoke, name="device_revoke"),
    path(
        "t/<slug:slug>/connections/devices/region<int:region>.crt",
        devices.device_server_certificate,
        name="device_server_certificate",
    ),
]
