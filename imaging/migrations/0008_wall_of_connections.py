"""Row-level security on webhooks, their deliveries, and sending devices."""

from django.db import migrations

from tenants.scoping import composite_foreign_key, tenant_wall


class Migration(migrations.Migration):
    dependencies = [("imaging", "0007_connections")]
    operations = [
        *(tenant_wall(f"imaging_{table}") for table in ("webhook", "webhookdelivery", "applicationentity")),
        composite_foreign_key("imaging_webhookdelivery", "webhook_id", "imaging_webhook"),
    ]
