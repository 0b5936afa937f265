"""How images were shown and what was drawn on them, as softcopy presentation states (PS3.3 §A.33.1, §A.33.2)."""

import math
from collections.abc import Mapping

from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.uid import ColorSoftcopyPresentationStateStorage as ColourState
from pydicom.uid import GrayscaleSoftcopyPresentationStateStorage as GreyState

from imaging.dicom.marks.document import Saving, by_series, person_name, reference
from imaging.dicom.marks.graphics import LAYER, annotation
from imaging.dicom.marks.model import ImageRef, Markings, View
from imaging.dicom.marks.pictures import Geometry, Picture

DESCRIPTION, SERIES_NUMBER = "Window and drawings", 9003
_TOP_LEFT, _TOP_RIGHT, _BOTTOM_RIGHT, _BOTTOM_LEFT = range(4)

Pictures = Mapping[str, Picture]  # by SOP Instance UID
Geometries = Mapping[str, Geometry]  # by SOP Instance UID, at least of each view's first image


def write_states(saving: Saving, markings: Markings, pictures: Pictures, geometries: Geometries) -> list[Dataset]:
    """A state for each view and each sort of images in it, all in one series."""
    states: list[Dataset] = []
    for view in markings.views:
        for images in _sorts(view, pictures):
            state = _write(saving, markings, view, images, geometries)
            if states:
                state.SeriesInstanceUID = states[0].SeriesInstanceUID
            state.InstanceNumber = len(states) + 1
            states.append(state)
    return states


def first_of_each_sort(view: View, pictures: Pictures) -> list[ImageRef]:
    """The images whose geometry `write_states` needs."""
    return [images[0].ref for images in _sorts(view, pictures)]


def _sorts(view: View, pictures: Pictures) -> list[list[Picture]]:
    sorts: dict[tuple, dict[str, Picture]] = {}
    for image in view.images:
        picture = pictures[image.sop_instance_uid]
        sorts.setdefault(picture.alike, {})[image.sop_instance_uid] = picture
    return [list(each.values()) for each in sorts.values()]


def _write(saving: Saving, markings: Markings, view: View, images: list[Picture], geometries: Geometries) -> Dataset:
    first = images[0]
    state = saving.begin(
        GreyState if first.is_grayscale else ColourState, "PR", DESCRIPTION, SERIES_NUMBER, markings.texts()
    )
    state.Laterality = ""  # 2C, and we do not know whether what is shown is one of a pair
    state.ContentLabel, state.ContentDescription = "MARKS", DESCRIPTION
    state.PresentationCreationDate = state.InstanceCreationDate
    state.PresentationCreationTime = state.InstanceCreationTime
    state.ContentCreatorName = person_name(saving.author.name)
    state.ReferencedSeriesSequence = _relationship([picture.ref for picture in images])
    _write_area(state, view, first, geometries[first.ref.sop_instance_uid])
    _write_graphics(state, markings, {picture.ref.sop_instance_uid for picture in images})
    if view.rotation or view.flipped:
        state.ImageRotation, state.ImageHorizontalFlip = view.rotation, "Y" if view.flipped else "N"
    if first.is_grayscale:
        _write_grey_levels(state, view, first, geometries[first.ref.sop_instance_uid])
    else:
        state.ICCProfile = _srgb()
        state.ColorSpace = "SRGB"
    return state


def _relationship(images: list[ImageRef]) -> list[Dataset]:
    items = []
    for series_instance_uid, instances in by_series(images).items():
        item = Dataset()
        item.SeriesInstanceUID = series_instance_uid
        item.ReferencedImageSequence = [reference(each, with_frame=False) for each in instances.values()]
        items.append(item)
    return items


def _write_area(state: Dataset, view: View, picture: Picture, geometry: Geometry) -> None:
    """Displayed Area (PS3.3 §C.10.4): the corners that are seen top left and bottom right, named as they are stored."""
    left, top, right, bottom = view.area or (0, 0, picture.columns, picture.rows)
    box = math.floor(left) + 1, math.floor(top) + 1, math.ceil(right), math.ceil(bottom)
    corners = [(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])]
    turned = [corners[(corner - view.rotation // 90) % 4] for corner in range(4)]
    seen = (_TOP_RIGHT, _BOTTOM_LEFT) if view.flipped else (_TOP_LEFT, _BOTTOM_RIGHT)
    item = Dataset()
    item.DisplayedAreaTopLeftHandCorner = list(turned[seen[0]])
    item.DisplayedAreaBottomRightHandCorner = list(turned[seen[1]])
    item.PresentationSizeMode = "SCALE TO FIT"
    if geometry.spacing:
        item.PresentationPixelSpacing = list(geometry.spacing)
    else:
        item.PresentationPixelAspectRatio = list(geometry.aspect_ratio)
    state.DisplayedAreaSelectionSequence = [item]


def _write_graphics(state: Dataset, markings: Markings, instances: set[str]) -> None:
    marks = [mark for mark in markings.marks if mark.image.sop_instance_uid in instances]
    if not marks:
        return
    state.GraphicAnnotationSequence = [annotation(mark) for mark in marks]
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = LAYER, 1
    state.GraphicLayerSequence = [layer]


def _write_grey_levels(state: Dataset, view: View, picture: Picture, geometry: Geometry) -> None:
    """Modality LUT, Softcopy VOI LUT (PS3.3 §C.11.8) and Softcopy Presentation LUT (§C.11.6)."""
    state.update(geometry.modality_lut)
    if view.window:
        item = Dataset()
        item.WindowCenter, item.WindowWidth = (f"{value:.9g}" for value in view.window)
        state.SoftcopyVOILUTSequence = [item]
    state.PresentationLUTShape = "INVERSE" if picture.is_inverse != view.inverted else "IDENTITY"


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
