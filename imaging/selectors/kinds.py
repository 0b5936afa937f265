"""What a series without images is called, by modality (PS3.3 §C.7.3.1.1.1), and the icon it has for a picture."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Kind:
    """`icon` is a name in static/img/icons.svg; `name` is empty for images."""

    icon: str
    name: str | Promise = ""


IMAGES = Kind("image")
_KINDS = {
    "SR": Kind("report", _("Structured report")),
    "DOC": Kind("file", _("Document")),
    "KO": Kind("keys", _("Key images")),
    "PR": Kind("file", _("Presentation state")),
    "M3D": Kind("mesh", _("3D model")),
    "ECG": Kind("waveform", _("Electrocardiogram")),
    **dict.fromkeys(("HD", "EPS", "RESP", "EEG", "EMG"), Kind("waveform", _("Waveform"))),
    "AU": Kind("waveform", _("Sound recording")),
    "RTSTRUCT": Kind("plan", _("Radiotherapy structures")),
    "RTPLAN": Kind("plan", _("Radiotherapy plan")),
    "RTRECORD": Kind("plan", _("Radiotherapy record")),
    "REG": Kind("file", _("Registration")),
    "FID": Kind("file", _("Spatial fiducials")),
}


def kind_of(modality: str) -> Kind:
    """`IMAGES` for a modality that is none of those known to make something else."""
    return _KINDS.get(modality, IMAGES)
