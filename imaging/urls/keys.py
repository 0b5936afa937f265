"""Routes of the key inventory."""

from django.urls import path

from imaging.views import keys

urlpatterns = [
    path("vendor/keys/", keys.vendor_keys, name="vendor_keys"),
    path("vendor/keys/<slug:slug>/", keys.vendor_practice_keys, name="vendor_practice_keys"),
    path("vendor/keys/<slug:slug>/rotate", keys.key_rotate, name="key_rotate"),
    path("vendor/keys/<slug:slug>/destruction", keys.key_destruction_request, name="key_destruction_request"),
    path(
        "vendor/keys/<slug:slug>/destruction/<uuid:order_id>/approve",
        keys.key_destruction_approve,
        name="key_destruction_approve",
    ),
    path(
        "vendor/keys/<slug:slug>/destruction/<uuid:order_id>/withdraw",
        keys.key_destruction_withdraw,
        name="key_destruction_withdraw",
    ),
    path(
        "vendor/keys/<slug:slug>/destruction/<uuid:order_id>/certificate", keys.key_certificate, name="key_certificate"
    ),
]
