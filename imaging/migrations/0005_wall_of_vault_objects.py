"""Row-level security on the new tables, and a row for every sealed object that lies in the vaults already."""

from django.db import migrations

from tenants.scoping import composite_foreign_key, tenant_wall

TABLES = ["vaultobject", "finding", "brake", "drill", "officecopy", "keyrotation", "keydestruction"]
COPIED = ["vaultobject", "instance", "series"]
_UNFORCE = "".join(f"ALTER TABLE imaging_{table} NO FORCE ROW LEVEL SECURITY;" for table in COPIED)
_FORCE = "".join(f"ALTER TABLE imaging_{table} FORCE ROW LEVEL SECURITY;" for table in COPIED)
_PACKS = """
INSERT INTO imaging_vaultobject
    (id, tenant_id, series_id, kind, size, member_count, home_region, created_at, in_1_at, in_2_at)
SELECT id, tenant_id, series_id, 'pack', size, 1, 1, received_at, sealed_at, mirrored_at FROM imaging_instance;
UPDATE imaging_instance SET pack_id = id, pack_offset = 0;
INSERT INTO imaging_vaultobject (id, tenant_id, series_id, kind, size, member_count, home_region, created_at)
SELECT thumbnail, tenant_id, id, 'thumbnail', 0, 0, 1, last_received_at FROM imaging_series WHERE thumbnail IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("imaging", "0004_vault_objects")]
    operations = [
        # The owner of the tables is behind the wall too, and has no tenant here.
        migrations.RunSQL(_UNFORCE + _PACKS + "SET CONSTRAINTS ALL IMMEDIATE;" + _FORCE, migrations.RunSQL.noop),
        *(tenant_wall(f"imaging_{table}") for table in TABLES),
        composite_foreign_key("imaging_vaultobject", "series_id", "imaging_series"),
        composite_foreign_key("imaging_instance", "pack_id", "imaging_vaultobject"),
    ]
