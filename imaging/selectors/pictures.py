"""Which image stands for a series or a study."""

from imaging.models import Instance, Series, Study
from imaging.selectors.instances import list_series

_IN_ORDER = ("instance_number", "id")


def find_middle_image(series: Series) -> Instance | None:
    """The middle one of the series' instances that have pixels; None without any."""
    images = Instance.objects.select_related("series").filter(series=series, number_of_frames__gt=0)
    images = images.order_by(*_IN_ORDER)
    count = images.count()
    return images[count // 2] if count else None


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
