"""One Orthanc per tenant and region."""

import uuid

from django.db import models

from tenants.models.tenant import Tenant


class StorageNode(models.Model):
    """Where a tenant's Orthanc of one region listens. Its credentials are derived from its key (`tenants.nodes`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="nodes")
    region = models.PositiveSmallIntegerField()
    url = models.URLField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "region"], name="tenants_storagenode_one_per_region"),
            models.UniqueConstraint(fields=["url"], name="tenants_storagenode_never_shared"),
            models.CheckConstraint(condition=models.Q(region__in=[1, 2]), name="tenants_storagenode_region"),
        ]
