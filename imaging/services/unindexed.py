"""Attributes of instances that a search is to return and the index does not keep: from the manifests of their series.

A manifest is read whole, so few are, and none of a very long series; what is not found there is left out, and said.
"""

import json
from dataclasses import replace
from uuid import UUID

from imaging.dicom.manifest import ROOT
from imaging.models import Series
from imaging.selectors.qido import Found, FoundInstance, Query
from imaging.services.manifests import find_manifest

MOST_SERIES = 20
MOST_INSTANCES = 5000  # of a series
Json = dict[str, object]


def add_unindexed(found: Found, query: Query, root: str) -> Found:
    """The objects with what was asked for beyond the index; `incomplete` if not every object could be looked up."""
    if not found.instances or not (query.others or query.everything):
        return found
    texts = _read_texts({each.series_id for each in found.instances})
    pairs = list(zip(found.objects, found.instances, strict=True))
    objects = [_completed(each, texts.get(instance.series_id, {}), instance, query, root) for each, instance in pairs]
    missing = any(str(each.instance_id) not in texts.get(each.series_id, {}) for each in found.instances)
    return replace(found, objects=objects, incomplete=missing)


def _read_texts(wanted: set[UUID]) -> dict[UUID, dict[str, bytes]]:
    """DICOM JSON of instances by their ids, by the ids of series."""
    series = Series.objects.filter(id__in=wanted, manifest_instances__range=(1, MOST_INSTANCES)).order_by("id")
    manifests = {each.id: find_manifest(each) for each in series[:MOST_SERIES]}
    return {series_id: manifest.texts() for series_id, manifest in manifests.items() if manifest}


def _completed(known: Json, texts: dict[str, bytes], instance: FoundInstance, query: Query, root: str) -> Json:
    if (text := texts.get(str(instance.instance_id))) is None:
        return known
    header = json.loads(text.replace(ROOT.encode(), f"{root}/".encode()))
    chosen = header if query.everything else {tag: header[tag] for tag in query.others & header.keys()}
    return dict(sorted((chosen | known).items()))
