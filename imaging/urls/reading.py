"""Routes for looking: worklist, study, viewer, download, and the reading half of DICOMweb (PS3.18 §10.4, §10.6).

`…/dicomweb/studies` and `…/dicomweb/studies/<uid>` also store, and are routed in `imaging.urls.intake`.
"""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views import (
    downloads,
    marks,
    patient_studies,
    qido,
    strips,
    studies,
    viewer,
    wado,
    worklist,
    worklist_actions,
)

_PAGE = "t/<slug:slug>/studies/<uid:study_instance_uid>"
_LIST = "t/<slug:slug>/worklist"
_STUDY = "t/<slug:slug>/dicomweb/studies/<uid:study_instance_uid>"
_SERIES = f"{_STUDY}/series/<uid:series_instance_uid>"
_INSTANCE = f"{_SERIES}/instances/<uid:sop_instance_uid>"

urlpatterns = [
    path("t/<slug:slug>/", worklist.worklist, name="worklist"),
    path(f"{_LIST}/rows", worklist.worklist_rows, name="worklist_rows"),
    path(f"{_LIST}/marks", worklist_actions.worklist_marks, name="worklist_marks"),
    path(f"{_LIST}/settings", worklist_actions.worklist_settings, name="worklist_settings"),
    path(f"{_LIST}/shares", worklist_actions.worklist_shares, name="worklist_shares"),
    path(f"{_LIST}/filters", worklist_actions.worklist_filters, name="worklist_filters"),
    path(
        f"{_LIST}/filters/<uuid:filter_id>/remove", worklist_actions.worklist_filter_remove,
        name="worklist_filter_remove",
    ),
    path(f"{_PAGE}/patient/studies", patient_studies.patient_studies, name="patient_studies"),
    path(f"{_PAGE}/series/<uid:series_instance_uid>/strip", strips.series_strip, name="series_strip"),
    path(f"{_PAGE}/", studies.study, name="study"),
    path(f"{_PAGE}/state", studies.study_state, name="study_state"),
    path(f"{_PAGE}/history", studies.study_history, name="study_history"),
    path(f"{_PAGE}/viewer", viewer.study_viewer, name="study_viewer"),
    path(f"{_PAGE}/priors", viewer.study_priors, name="study_priors"),
    path(f"{_PAGE}/marks", marks.study_marks, name="study_marks"),
    path(f"{_PAGE}/download", downloads.study_download, name="study_download"),
    path(f"{_STUDY}/metadata", wado.retrieve_study_metadata, name="wado_study_metadata"),
    path("t/<slug:slug>/dicomweb/series", qido.search_for_all_series, name="qido_all_series"),
    path("t/<slug:slug>/dicomweb/instances", qido.search_for_all_instances, name="qido_all_instances"),
    path(f"{_STUDY}/series", qido.search_for_series, name="qido_series"),
    path(f"{_STUDY}/instances", qido.search_for_instances, name="qido_study_instances"),
    path(_SERIES, wado.retrieve_series, name="wado_series"),
    path(f"{_SERIES}/metadata", wado.retrieve_series_metadata, name="wado_series_metadata"),
    path(f"{_SERIES}/instances", qido.search_for_instances, name="qido_series_instances"),
    path(_INSTANCE, wado.retrieve_instance, name="wado_instance"),
    path(f"{_INSTANCE}/metadata", wado.retrieve_instance_metadata, name="wado_instance_metadata"),
    path(f"{_INSTANCE}/frames/<str:frame_list>", wado.retrieve_frames, name="wado_frames"),
    path(f"{_INSTANCE}/bulkdata/<path:tag_path>", wado.retrieve_bulk_data, name="wado_bulk_data"),
]
