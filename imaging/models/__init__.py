from imaging.models.application_entity import ApplicationEntity
from imaging.models.continuity import FailoverOrder, KeyDestruction, KeyRotation, RegionState
from imaging.models.instance import Instance
from imaging.models.mount import Mount
from imaging.models.patient import PatientInvitation
from imaging.models.protection import Brake, Drill, Finding, OfficeCopy
from imaging.models.retention import PurgeOrder, PurgeStatus, Tombstone
from imaging.models.search_term import SearchTerm
from imaging.models.series import Series
from imaging.models.share import ShareLink
from imaging.models.study import Study
from imaging.models.token import AccessToken
from imaging.models.upload import Outcome, Upload, UploadedFile, UploadSegment
from imaging.models.vault_object import VaultObject
from imaging.models.webhook import Event, Webhook, WebhookDelivery
from imaging.models.worklist import Priority, Reading, SavedFilter, Triage, WorklistSettings

__all__ = [
    "AccessToken",
    "ApplicationEntity",
    "Brake",
    "Drill",
    "Event",
    "FailoverOrder",
    "Finding",
    "Instance",
    "KeyDestruction",
    "KeyRotation",
    "Mount",
    "OfficeCopy",
    "Outcome",
    "PatientInvitation",
    "Priority",
    "PurgeOrder",
    "PurgeStatus",
    "Reading",
    "RegionState",
    "SavedFilter",
    "SearchTerm",
    "Series",
    "ShareLink",
    "Study",
    "Tombstone",
    "Triage",
    "Upload",
    "UploadSegment",
    "UploadedFile",
    "VaultObject",
    "Webhook",
    "WebhookDelivery",
    "WorklistSettings",
]
