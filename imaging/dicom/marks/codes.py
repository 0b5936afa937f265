"""Coded concepts (PS3.16) and units (UCUM) of what is measured."""

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

UNITS = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "mm2": Code("mm2", "UCUM", "square millimeter"),
    "deg": Code("deg", "UCUM", "degree"),
    "px": Code("{pixels}", "UCUM", "pixels"),
    "px2": Code("{square_pixels}", "UCUM", "square pixels"),
    "HU": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "OD": Code("[OD]", "UCUM", "optical density"),
    "Bq/ml": Code("Bq/ml", "UCUM", "Becquerels/milliliter"),
    "g/ml": Code("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
    "counts": Code("{counts}", "UCUM", "Counts"),
    "1": Code("1", "UCUM", "no units"),
}
LENGTH_UNITS, AREA_UNITS = frozenset({"mm", "px"}), frozenset({"mm2", "px2"})
PIXEL_UNITS = frozenset({"HU", "OD", "Bq/ml", "g/ml", "counts", "1"})

# Names of values that are concepts by themselves, and the units they may have.
CONCEPTS = {
    "length": codes.SCT.Length,
    "angle": codes.SCT.Angle,
    "cobb": codes.SCT.CobbAngle,
    "long_axis": codes.SCT.LongAxis,
    "short_axis": codes.SCT.ShortAxis,
    "area": codes.SCT.Area,
}
# Names of values that say how pixels were summed up (CID 7464).
DERIVATIONS = {
    "mean": codes.SCT.Mean,
    "deviation": codes.SCT.StandardDeviation,
    "minimum": codes.SCT.Minimum,
    "maximum": codes.SCT.Maximum,
}
UNITS_OF = {
    "length": LENGTH_UNITS,
    "long_axis": LENGTH_UNITS,
    "short_axis": LENGTH_UNITS,
    "angle": frozenset({"deg"}),
    "cobb": frozenset({"deg"}),
    "area": AREA_UNITS,
    "value": PIXEL_UNITS,
    **dict.fromkeys(DERIVATIONS, PIXEL_UNITS),
}

# What a modality's pixels measure (CID 7469).
_QUANTITIES = {
    "CT": codes.DCM.AttenuationCoefficient,
    "MR": codes.DCM.MRSignalIntensity,
    "PT": codes.cid7469.TracerConcentration,
    "NM": codes.cid7469.NuclearMedicineProjectionActivity,
    **dict.fromkeys(("CR", "DX", "IO", "PX", "MG", "XA", "RF"), codes.cid7469.XRayAttenuation),
}
QUANTITIES = frozenset((code.value, code.scheme_designator) for code in _QUANTITIES.values())

TRACKING_IDENTIFIER = codes.DCM.TrackingIdentifier
TRACKING_UID = codes.DCM.TrackingUniqueIdentifier
COMMENT = codes.DCM.Comment
KEY_OBJECT_DESCRIPTION = codes.DCM.KeyObjectDescription
PERSON_OBSERVER_NAME = codes.DCM.PersonObserverName
DERIVATION = codes.DCM.Derivation
MEASUREMENT_GROUP = codes.DCM.MeasurementGroup


def quantity_of(modality: str) -> Code | None:
    """What the pixels of a modality measure; None where no concept says it, and the value's own name must do."""
    return _QUANTITIES.get(modality)


def pixel_unit(modality: str, rescale_type: str, units: str = "") -> str:
    """The unit of rescaled values: HU for CT, else what Rescale Type (PS3.3 §C.11.1.1.2) or Units (§C.8.9.1) say."""
    if modality == "PT":
        return {"BQML": "Bq/ml", "GML": "g/ml", "CNTS": "counts"}.get(units, "1")
    if rescale_type == "HU" or (modality == "CT" and not rescale_type):
        return "HU"
    return "OD" if rescale_type == "OD" else "1"
