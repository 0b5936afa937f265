from imaging.models.instance import Instance
from imaging.models.patient import PatientInvitation
from imaging.models.retention import PurgeOrder, PurgeStatus, Tombstone
from imaging.models.series import Series
from imaging.models.share import ShareLink
from imaging.models.study import Study
from imaging.models.token import AccessToken
from imaging.models.upload import Outcome, Upload, UploadedFile, UploadSegment

__all__ = [
    "AccessToken",
    "Instance",
    "Outcome",
    "PatientInvitation",
    "PurgeOrder",
    "PurgeStatus",
    "Series",
    "ShareLink",
    "Study",
    "Tombstone",
    "Upload",
    "UploadSegment",
    "UploadedFile",
]
