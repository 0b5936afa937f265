"""Row-level security on mounts."""

from django.db import migrations

from tenants.scoping import composite_foreign_key, tenant_wall


class Migration(migrations.Migration):
    dependencies = [("imaging", "0012_mount")]
    operations = [
        tenant_wall("imaging_mount"),
        composite_foreign_key("imaging_mount", "study_id", "imaging_study"),
    ]
