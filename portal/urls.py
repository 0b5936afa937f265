"""Every address of the portal. Each view carries exactly one guard."""

from django.urls import include, path

from portal import health, metrics, views

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("", include("tenants.urls")),
    path("", include("tenants.baas.urls")),
    path("", include("imaging.urls")),
]
