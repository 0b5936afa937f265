"""Routes of pictures: rendered images, thumbnails, WADO-URI for old viewers, and what the service can do."""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import capabilities, rendered, wado_uri

_ROOT = "t/<slug:slug>/dicomweb"
_STUDY = f"{_ROOT}/studies/<uid:study_instance_uid>"
_SERIES = f"{_STUDY}/series/<uid:series_instance_uid>"
_INSTANCE = f"{_SERIES}/instances/<uid:sop_instance_uid>"
_FRAMES = f"{_INSTANCE}/frames/<str:frame_list>"

urlpatterns = [
    path(_ROOT, capabilities.retrieve_capabilities, name="dicomweb_capabilities"),
    path(f"{_ROOT}/", capabilities.retrieve_capabilities, name="dicomweb_capabilities"),
    path(f"{_STUDY}/rendered", rendered.render_study, name="rendered_study"),
    path(f"{_SERIES}/rendered", rendered.render_series, name="rendered_series"),
    path(f"{_INSTANCE}/rendered", rendered.render_instance, name="rendered_instance"),
    path(f"{_FRAMES}/rendered", rendered.render_frames, name="rendered_frames"),
    path(f"{_STUDY}/thumbnail", rendered.retrieve_thumbnail, name="thumbnail_study"),
    path(f"{_SERIES}/thumbnail", rendered.retrieve_thumbnail, name="wado_thumbnail"),
    path(f"{_INSTANCE}/thumbnail", rendered.retrieve_instance_thumbnail, name="thumbnail_instance"),
    path(f"{_FRAMES}/thumbnail", rendered.retrieve_instance_thumbnail, name="thumbnail_frame"),
    path("t/<slug:slug>/wado", wado_uri.retrieve, name="wado_uri"),
]
