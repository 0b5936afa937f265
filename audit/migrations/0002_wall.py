"""The trail's walls: one tenant's events only, and no change or deletion, whoever asks."""

from django.db import migrations

from audit.wall import tenant_wall

APPEND_ONLY = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'collimate_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON audit_auditevent FROM collimate_app;
        REVOKE DELETE, TRUNCATE ON audit_audithead FROM collimate_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        tenant_wall("audit_auditevent"),
        migrations.RunSQL(
            APPEND_ONLY,
            """
            DROP TRIGGER audit_append_only ON audit_auditevent;
            DROP TRIGGER audit_no_truncate ON audit_auditevent;
            DROP FUNCTION audit_refuse_change();
            """,
        ),
    ]
