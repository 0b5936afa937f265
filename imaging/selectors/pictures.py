"""Which image stands for a series or a study."""

from django.db.models.functions import Coalesce

from imaging.models import Instance, Series, Study
from imaging.selectors.instances import list_series

_IN_ORDER = ("instance_number", "id")
_HUNG_TOGETHER = ("MG", "IO", "SM")  # mammograms and films by their places, slides by their tiles
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def find_middle_image(series: Series) -> Instance | None:
    """The middle one of the series' instances that have pixels; None without any.

    Of a whole slide only one with several tiles: its label and the glass around it, which bear names in handwriting,
    are pictures of one frame.
    """
    images = Instance.objects.select_related("series").filter(series=series, number_of_frames__gt=0)
    images = images.exclude(sop_class_uid=_WHOLE_SLIDE, number_of_frames=1).order_by(*_IN_ORDER)
    count = images.count()
    return images[count // 2] if count else None


def find_opening_image(study: Study, series_instance_uid: str) -> Instance | None:
    """The image that the viewer opens a series with: the middle slice, or the one image there is.

    None where it opens with several at once, with what is no image, or with a frame that only the headers tell.
    """
    images = Instance.objects.filter(
        series__study=study, series__series_instance_uid=series_instance_uid, rows__gt=0, columns__gt=0
    ).exclude(series__modality__in=_HUNG_TOGETHER)
    count = images.count()
    if count > 1 and images.exclude(number_of_frames=1).exists():
        return None
    in_order = images.order_by(Coalesce("instance_number", 0), "sop_instance_uid")
    return in_order[(count - 1) // 2] if count else None


def find_series_with_images(study: Study) -> Series | None:
    """The first of the study's series that has pixels; None without any."""
    with_images = set(
        Instance.objects.filter(series__study=study, number_of_frames__gt=0).values_list("series_id", flat=True)
    )
    return next((series for series in list_series(study) if series.id in with_images), None)


def list_images(study: Study, series: Series | None, limit: int) -> list[Instance]:
    """The instances with pixels of a series, or of the whole study, in order; at most `limit`."""
    images = Instance.objects.select_related("series").filter(series__study=study, number_of_frames__gt=0)
    if series is not None:
        images = images.filter(series=series)
    by_series = ("series__series_number", "series__series_instance_uid")
    return list(images.order_by(*by_series, "instance_number", "sop_instance_uid")[:limit])


def list_frame_counts(series: Series) -> list[tuple[str, int]]:
    """SOP Instance UID and number of frames of each instance of the series that has pixels, in order."""
    images = Instance.objects.filter(series=series, number_of_frames__gt=0)
    return list(images.order_by(*_IN_ORDER).values_list("sop_instance_uid", "number_of_frames"))
