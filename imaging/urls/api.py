"""Routes of the REST API, version 1."""

from django.urls import path

from imaging.urls import converters  # noqa: F401 - registers `uid`
from imaging.views.api import docs, records, shares, studies
from imaging.views.api.guard import api

_STUDY = "api/v1/studies/<uid:study_instance_uid>"
_SHARE = "api/v1/shares/<uuid:link_id>"
_UPLOAD = "api/v1/uploads/<uuid:upload_id>"

urlpatterns = [
    path("api/schema/", docs.schema, name="api_schema"),
    path("api/docs/", docs.docs, name="api_docs"),
    path("api/v1/token", api(records.Token), name="api_token"),
    path("api/v1/studies", api(studies.Studies), name="api_studies"),
    path("api/v1/studies/search", api(studies.StudySearch), name="api_study_search"),
    path(_STUDY, api(studies.Study), name="api_study"),
    path(f"{_STUDY}/history", api(studies.StudyHistory), name="api_study_history"),
    path(f"{_STUDY}/shares", api(shares.StudyShares), name="api_study_shares"),
    path("api/v1/shares", api(shares.Shares), name="api_shares"),
    path(_SHARE, api(shares.Share), name="api_share"),
    path(f"{_SHARE}/revoke", api(shares.ShareRevocation), name="api_share_revoke"),
    path(f"{_SHARE}/unlock", api(shares.ShareUnlocking), name="api_share_unlock"),
    path("api/v1/uploads", api(records.Uploads), name="api_uploads"),
    path(_UPLOAD, api(records.Upload), name="api_upload"),
    path(f"{_UPLOAD}/files", api(records.UploadFiles), name="api_upload_files"),
    path("api/v1/audit", api(records.Trail), name="api_audit"),
    path("api/v1/agreements", api(records.Agreements), name="api_agreements"),
    path("api/v1/", api(records.Nowhere), name="api_nowhere"),
    path("api/v1/<path:rest>", api(records.Nowhere), name="api_nowhere"),
]
