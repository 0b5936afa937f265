"""What a study's archive is made of: only the columns it takes, for a study may have ten thousand instances."""

from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from imaging.models import Instance, Study


class ArchivedFile(NamedTuple):
    """An instance's file: `size` bytes of the pack from `pack_offset`, their BLAKE3 and CRC-32, and its series."""

    size: int
    digest: bytes
    crc32: int
    pack_id: UUID
    pack_offset: int
    series_id: UUID
    series_number: int | None
    modality: str


def list_archived_files(study: Study) -> list[ArchivedFile]:
    """The files of a study by Series Number and Instance Number, as `list_instances_of_study` has them."""
    in_order = (
        F("series__series_number").asc(nulls_last=True), "series__series_instance_uid",
        F("instance_number").asc(nulls_last=True), "sop_instance_uid",
    )  # fmt: skip
    columns = (
        "size", "digest", "crc32", "pack_id", "pack_offset", "series_id", "series__series_number",
        "series__modality",
    )  # fmt: skip
    rows = Instance.objects.filter(series__study=study).order_by(*in_order).values_list(*columns)
    return list(map(ArchivedFile._make, rows))
