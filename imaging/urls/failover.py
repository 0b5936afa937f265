"""Routes of regions and failover."""

from django.urls import path

from imaging.views import failover

urlpatterns = [
    path("vendor/regions/", failover.vendor_regions, name="vendor_regions"),
    path("vendor/regions/runbook", failover.failover_runbook, name="failover_runbook"),
    path("vendor/regions/orders/<int:order_id>/approve", failover.failover_approve, name="failover_approve"),
    path("vendor/regions/orders/<int:order_id>/withdraw", failover.failover_withdraw, name="failover_withdraw"),
    path("t/<slug:slug>/regions/<int:region>/missing", failover.region_missing, name="region_missing"),
]
