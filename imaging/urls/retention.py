"""Routes of keeping and letting go."""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import retention

urlpatterns = [
    path("t/<slug:slug>/retention/", retention.show_retention, name="retention"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/hold", retention.place_hold, name="hold_place"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/hold/lift", retention.lift_hold, name="hold_lift"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/purge", retention.request_purge, name="purge_request"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/purge/approve", retention.approve_purge, name="purge_approve"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>/purge/reject", retention.reject_purge, name="purge_reject"),
]
