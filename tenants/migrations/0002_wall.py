"""Row-level security on the tenant's own rows of this app."""

from django.db import migrations

from tenants.scoping import tenant_wall


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [tenant_wall("tenants_invitation")]
