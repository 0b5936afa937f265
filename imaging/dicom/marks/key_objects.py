"""Key images as a Key Object Selection by TID 2010 (PS3.3 §A.35.4)."""

from highdicom.ko import KeyObjectSelection
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import KeyObjectSelectionDocumentStorage

from imaging.dicom.marks.document import Saving, evidence
from imaging.dicom.marks.model import ImageRef, KeyImages
from imaging.dicom.marks.report import observer_context

DESCRIPTION, SERIES_NUMBER = "Key images", 9002


def write_key_objects(saving: Saving, chosen: KeyImages) -> Dataset:
    """The selection, titled Of Interest (CID 7010), with its note as the description."""
    texts = [chosen.note] if chosen.note else []
    data_set = saving.begin(KeyObjectSelectionDocumentStorage, "KO", DESCRIPTION, SERIES_NUMBER, texts)
    saving.write_content_date(data_set)
    data_set.ReferencedPerformedProcedureStepSequence = []
    data_set.CurrentRequestedProcedureEvidenceSequence = evidence(saving.study_instance_uid, list(chosen.images))
    (root,) = KeyObjectSelection(
        document_title=codes.DCM.OfInterest, referenced_objects=[_as_object(each) for each in chosen.images],
        observer_person_context=observer_context(saving.author), description=chosen.note or None,
    )  # fmt: skip
    _name_frames(root, chosen.images)
    for element in root:
        data_set.add(element)
    return data_set


def _as_object(image: ImageRef) -> Dataset:
    """What highdicom wants to know of an image; rows and columns only tell it that it is one."""
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID = image.sop_class_uid, image.sop_instance_uid
    item.Rows = item.Columns = 1
    return item


def _name_frames(root: Dataset, images: tuple[ImageRef, ...]) -> None:
    items = [item for item in root.ContentSequence if item.ValueType == "IMAGE"]
    for item, image in zip(items, images, strict=True):
        if image.frame is not None:
            item.ReferencedSOPSequence[0].ReferencedFrameNumber = image.frame
