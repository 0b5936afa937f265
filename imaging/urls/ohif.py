"""Routes of the OHIF viewer, for desktops. Its script knows the page as `viewer` below its base."""

from django.urls import path

from imaging.views import ohif

urlpatterns = [
    path("t/<slug:slug>/ohif/viewer", ohif.ohif_viewer, name="ohif"),
    path("t/<slug:slug>/ohif/config.js", ohif.ohif_config, name="ohif_config"),
]
