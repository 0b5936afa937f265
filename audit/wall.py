"""Migration operations for PostgreSQL's half of the tenant wall."""

from django.db.migrations import RunSQL


def tenant_wall(table: str) -> RunSQL:
    """Row-level security on `table`, forced on its owner too: rows of the transaction's tenant, or none."""
    tenant = "nullif(current_setting('app.tenant', true), '')::uuid"
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant_wall ON {table} USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant});
        """,
        f"DROP POLICY tenant_wall ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def composite_foreign_key(child: str, column: str, parent: str) -> RunSQL:
    """`child.(tenant_id, column)` refers to `parent.(tenant_id, id)`: no row can point into another tenant."""
    name = f"{child}_{column}_same_tenant"
    return RunSQL(
        f"""
        ALTER TABLE {child} ADD CONSTRAINT {name}
        FOREIGN KEY (tenant_id, {column}) REFERENCES {parent} (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
        """,
        f"ALTER TABLE {child} DROP CONSTRAINT {name};",
    )
