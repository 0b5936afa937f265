"""Routes for looking: worklist, study, viewer, download, and the reading half of DICOMweb.

`…/dicomweb/studies` and `…/dicomweb/studies/<uid>` also store, and are routed in `imaging.urls.intake`.
"""

from django.urls import include, path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import dicomweb, downloads, studies, viewer, worklist

_instance = [
    path("", dicomweb.retrieve_instance, name="wado_instance"),
    path("/metadata", dicomweb.retrieve_instance_metadata, name="wado_instance_metadata"),
    path("/frames/<str:frame_list>", dicomweb.retrieve_frames, name="wado_frames"),
    path("/bulkdata/<path:tag_path>", dicomweb.retrieve_bulk_data, name="wado_bulk_data"),
]
_series = [
    path("", dicomweb.retrieve_series, name="wado_series"),
    path("/metadata", dicomweb.retrieve_series_metadata, name="wado_series_metadata"),
    path("/thumbnail", dicomweb.retrieve_thumbnail, name="wado_thumbnail"),
    path("/instances", dicomweb.search_for_instances, name="qido_series_instances"),
    path("/instances/<uid:sop_instance_uid>", include(_instance)),
]
_study = [
    path("/metadata", dicomweb.retrieve_study_metadata, name="wado_study_metadata"),
    path("/series", dicomweb.search_for_series, name="qido_series"),
    path("/instances", dicomweb.search_for_instances, name="qido_study_instances"),
    path("/series/<uid:series_instance_uid>", include(_series)),
]
_page = [
    path("/", studies.study, name="study"),
    path("/state", studies.study_state, name="study_state"),
    path("/history", studies.study_history, name="study_history"),
    path("/viewer", viewer.study_viewer, name="study_viewer"),
    path("/download", downloads.study_download, name="study_download"),
]

urlpatterns = [
    path("t/<slug:slug>/", worklist.worklist, name="worklist"),
    path("t/<slug:slug>/studies/<uid:study_instance_uid>", include(_page)),
    path("t/<slug:slug>/dicomweb/studies/<uid:study_instance_uid>", include(_study)),
]
