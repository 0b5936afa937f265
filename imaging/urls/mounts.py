"""Routes of mounts, and of what is printed or exported."""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import exports, mounts

_PAGE = "t/<slug:slug>/studies/<uid:study_instance_uid>"

urlpatterns = [
    path(f"{_PAGE}/mount", mounts.study_mount, name="study_mount"),
    path(f"{_PAGE}/mount/keep", mounts.study_mount_keep, name="study_mount_keep"),
    path(f"{_PAGE}/export", exports.study_export, name="study_export"),
]
