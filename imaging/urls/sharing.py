"""Routes of share links and patients."""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import guests, sharing

urlpatterns = [
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/share", sharing.create_share, name="share_create"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/patient", sharing.invite_patient, name="patient_invite"),
    path("t/<slug:slug>/shares/<uuid:link_id>/revoke", sharing.revoke_share, name="share_revoke"),
    path("t/<slug:slug>/shares/<uuid:link_id>/unlock", sharing.unlock_share, name="share_unlock"),
    path("t/<slug:slug>/patients/<uuid:invitation_id>/revoke", sharing.revoke_patient, name="patient_revoke"),
    path("s/open/<uuid:grant_id>/", guests.show_share, name="share"),
    path("s/open/<uuid:grant_id>/viewer", guests.show_share_viewer, name="share_viewer"),
    path("s/open/<uuid:grant_id>/download", guests.download_share, name="share_download"),
    path("s/<str:token>", guests.open_share, name="share_open"),
    path("records/open/<uuid:grant_id>/", guests.show_records, name="patient"),
    path("records/open/<uuid:grant_id>/viewer", guests.show_records_viewer, name="patient_viewer"),
    path("records/open/<uuid:grant_id>/download", guests.download_records, name="patient_download"),
    path("records/<str:token>", guests.open_records, name="patient_open"),
    path("leave/<uuid:grant_id>", guests.leave, name="leave"),
]
