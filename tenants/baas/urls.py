"""Routes of agreements."""

from django.urls import path

from tenants.baas import views

urlpatterns = [
    path("vendor/agreements/", views.vendor_agreements, name="vendor_agreements"),
    path("vendor/agreements/<uuid:agreement_id>/send/", views.agreement_send, name="agreement_send"),
    path("vendor/agreements/<uuid:agreement_id>/execute/", views.agreement_execute, name="agreement_execute"),
    path("vendor/agreements/<uuid:agreement_id>/terminate/", views.agreement_terminate, name="agreement_terminate"),
    path("vendor/practices/new/", views.vendor_create_tenant, name="vendor_create_tenant"),
    path("t/<slug:slug>/agreement/", views.tenant_agreement, name="tenant_agreement"),
]
