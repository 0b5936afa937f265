"""Every route of the images: taking in, reading, sharing, keeping and letting go."""

from django.urls import include, path

urlpatterns = [
    path("", include("imaging.urls.intake")),
    path("", include("imaging.urls.reading")),
    path("", include("imaging.urls.sharing")),
    path("", include("imaging.urls.retention")),
    path("", include("imaging.urls.protection")),
    path("", include("imaging.urls.failover")),
    path("", include("imaging.urls.keys")),
    path("", include("imaging.urls.rendering")),
    path("", include("imaging.urls.mounts")),
    path("", include("imaging.urls.api")),
    path("", include("imaging.urls.tokens")),
    path("", include("imaging.urls.webhooks")),
    path("", include("imaging.urls.devices")),
    path("", include("imaging.urls.ohif")),
]
