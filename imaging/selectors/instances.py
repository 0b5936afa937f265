"""Reads of instances in the order in which people look at them."""

from django.db.models import F, QuerySet

from imaging.models import Instance, Series, Study

_IN_ORDER = (F("instance_number").asc(nulls_last=True), "sop_instance_uid")


def list_instances_of_series(series: Series) -> list[Instance]:
    """The instances of a series, by Instance Number, without the tables of their fragments."""
    return list(_slim(Instance.objects.filter(series=series).order_by(*_IN_ORDER)))


def list_instances_with_fragments(series: Series) -> list[Instance]:
    """The instances of a series, by Instance Number, with everything: for background work."""
    return list(Instance.objects.filter(series=series).order_by(*_IN_ORDER))


def list_series(study: Study) -> list[Series]:
    """The series of a study, by Series Number."""
    in_order = F("series_number").asc(nulls_last=True), "series_instance_uid"
    return list(Series.objects.select_related("study").filter(study=study).order_by(*in_order))


def list_instances_of_study(study: Study) -> list[Instance]:
    """The instances of a study with their series, by Series Number and Instance Number."""
    by_series = (F("series__series_number").asc(nulls_last=True), "series__series_instance_uid")
    instances = Instance.objects.select_related("series").filter(series__study=study)
    return list(_slim(instances.order_by(*by_series, *_IN_ORDER)))


def list_sop_instance_uids(study: Study, among: list[str]) -> set[str]:
    """Those of some SOP Instance UIDs that are in the study."""
    found = Instance.objects.filter(series__study=study, sop_instance_uid__in=among)
    return set(found.values_list("sop_instance_uid", flat=True))


def attach_fragments(instances: list[Instance]) -> None:
    """Give these instances the tables that the other lists leave out: for decoding them when the scope is closed."""
    tables = dict(Instance.objects.filter(id__in=[each.id for each in instances]).values_list("id", "fragments"))
    for instance in instances:
        instance.fragments = tables.get(instance.id)


def _slim(instances: QuerySet[Instance]) -> QuerySet[Instance]:
    # A long cine's table of fragments is megabytes, and only a request for its frames needs it.
    return instances.defer("fragments")
