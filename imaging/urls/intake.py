"""Routes by which images come in."""

from django.urls import path

from imaging.views import stow, uploads

urlpatterns = [
    path("t/<slug:slug>/upload", uploads.upload, name="upload"),
    path("t/<slug:slug>/uploads/", uploads.uploads, name="uploads"),
    path("t/<slug:slug>/uploads/batches/<uuid:batch>", uploads.upload_batch, name="upload_batch"),
    path("t/<slug:slug>/uploads/<uuid:upload_id>/", uploads.upload_resource, name="upload_resource"),
    path("t/<slug:slug>/uploads/<uuid:upload_id>/result", uploads.upload_result, name="upload_result"),
    path("t/<slug:slug>/dicomweb/studies", stow.studies_service, name="stow"),
    path("t/<slug:slug>/dicomweb/studies/<str:study_instance_uid>", stow.studies_service, name="stow"),
]
