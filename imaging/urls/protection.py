"""Routes of the protection page."""

from django.urls import path

from imaging.views import protection

urlpatterns = [
    path("t/<slug:slug>/protection/", protection.show_protection, name="protection"),
    path("t/<slug:slug>/protection/acknowledgement", protection.set_acknowledgement, name="protection_acknowledgement"),
    path("t/<slug:slug>/protection/resume", protection.release_brake, name="protection_resume"),
    path("t/<slug:slug>/protection/drills/<uuid:drill_id>.pdf", protection.drill_report, name="drill_report"),
]
