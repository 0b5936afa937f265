"""Rows that marks are about, and the stored objects that hold them."""

from collections.abc import Collection

from imaging.dicom.marks.reading import SOP_CLASSES
from imaging.models import Instance, Study

MOST_DOCUMENTS = 60
LARGEST_DOCUMENT = 4 << 20


def find_images(study: Study, sop_instance_uids: Collection[str]) -> dict[str, Instance]:
    """Those of a study's images, by SOP Instance UID, with their series."""
    images = _images(study).filter(sop_instance_uid__in=sop_instance_uids)
    return {image.sop_instance_uid: image for image in images}


def list_images_of(study: Study, series_instance_uid: str) -> list[Instance]:
    """The images of one of its series."""
    images = _images(study).filter(series__series_instance_uid=series_instance_uid)
    return list(images.order_by("instance_number", "sop_instance_uid"))


def find_first_image(study: Study) -> Instance | None:
    """Any image of the study."""
    return _images(study).order_by("received_at", "sop_instance_uid").first()


def find_document(study: Study, sop_instance_uid: str) -> Instance | None:
    """A stored object of the study that can hold marks."""
    return _documents(study).filter(sop_instance_uid=sop_instance_uid).first()


def list_documents(study: Study) -> list[Instance]:
    """The latest stored objects that can hold marks, the newest first; one more than are read, if there are more."""
    return list(_documents(study).order_by("-received_at", "sop_instance_uid")[: MOST_DOCUMENTS + 1])


def _images(study: Study) -> object:
    found = Instance.objects.select_related("series").filter(series__study=study, number_of_frames__gt=0)
    return found.defer("fragments")


def _documents(study: Study) -> object:
    found = Instance.objects.select_related("series").filter(series__study=study, sop_class_uid__in=SOP_CLASSES)
    return found.filter(size__lte=LARGEST_DOCUMENT).defer("fragments")
