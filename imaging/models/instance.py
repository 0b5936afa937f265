"""An instance: where its bytes are, what they are, and how far it has come."""

from django.db import models

from imaging.models.series import Series
from imaging.models.vault_object import VaultObject
from tenants.scoping import TenantModel

_STATES = {"sealed_at": "seal", "stored_at": "store", "mirrored_at": "mirror", "mirror_stored_at": "mirror_store"}


class Instance(TenantModel):
    """One SOP instance: `size` bytes of `pack` from `pack_offset`; `digest` is BLAKE3 over those Part 10 bytes.

    The states are times: received (the row exists, the sealed bytes are durable), `sealed_at` (read back from the
    vault that took it in, and equal), `mirrored_at` (in the other region's vault too, opened there and equal),
    `stored_at` and `mirror_stored_at` (in the tenant's Orthanc of region 1 and of region 2, read back and equal).
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances", db_constraint=False)
    sop_instance_uid = models.CharField(max_length=64)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    instance_number = models.IntegerField(null=True)
    size = models.PositiveBigIntegerField()
    digest = models.BinaryField(max_length=32)
    crc32 = models.PositiveBigIntegerField()
    # Both or neither: the row and its pack go together when the series goes.
    pack = models.ForeignKey(VaultObject, on_delete=models.DO_NOTHING, related_name="members", db_constraint=False)
    pack_offset = models.PositiveBigIntegerField()

    # Where the header ends and the pixels lie: byte offsets in the Part 10 file (imaging.dicom.gate).
    header_end = models.PositiveBigIntegerField(null=True)
    deflated = models.BooleanField(default=False)
    rows = models.PositiveIntegerField(default=0)
    columns = models.PositiveIntegerField(default=0)
    samples_per_pixel = models.PositiveSmallIntegerField(default=0)
    bits_allocated = models.PositiveSmallIntegerField(default=0)
    number_of_frames = models.PositiveIntegerField(default=0)  # 0: no pixel data
    photometric_interpretation = models.CharField(max_length=16, blank=True)
    encapsulated = models.BooleanField(default=False)
    value_offset = models.PositiveBigIntegerField(null=True)
    value_length = models.PositiveBigIntegerField(default=0)
    frame_length = models.PositiveBigIntegerField(null=True)
    fragments = models.BinaryField(null=True)  # imaging.services.frames: per frame its (offset, length) pairs

    received_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    store_refusal = models.CharField(max_length=200, blank=True)
    mirrored_at = models.DateTimeField(null=True)
    mirror_stored_at = models.DateTimeField(null=True)
    mirror_store_refusal = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["tenant", "sop_instance_uid"], name="imaging_instance_uid"),
        ]
        indexes = [
            models.Index(fields=["tenant", "series", "instance_number"], name="imaging_instance_order"),
            # What the sweeper looks for: as small as the backlog, however large the archive.
            *(
                models.Index(
                    fields=["tenant", "series"], condition=models.Q(**{state: None}), name=f"imaging_wait_{short}"
                )
                for state, short in _STATES.items()
            ),
        ]
