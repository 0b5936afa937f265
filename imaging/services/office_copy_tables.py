"""What an office copy holds of the database: one practice's rows, as a read-only portal needs them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import ForeignKey, Model
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import AuditEvent, AuditHead
from imaging.models import (
    AccessToken,
    Instance,
    Mount,
    PatientInvitation,
    PurgeOrder,
    Reading,
    SavedFilter,
    SearchTerm,
    Series,
    ShareLink,
    Study,
    Tombstone,
    Triage,
    VaultObject,
    WorklistSettings,
)
from tenants.baas.models import Agreement
from tenants.models import Membership, SecretRoute, Tenant, User

_MEMBERS = "SELECT user_id FROM tenants_membership WHERE tenant_id = %(tenant)s"
_OF_MEMBERS = f"t.user_id IN ({_MEMBERS})"
_IS_MEMBER = f"t.id IN ({_MEMBERS})"
# Replaced objects are not copied, unless an instance still lies in one.
WANTED_OBJECTS = (
    "t.tenant_id = %(tenant)s AND (t.retired_at IS NULL"
    " OR t.id IN (SELECT pack_id FROM imaging_instance WHERE tenant_id = %(tenant)s))"
)


@dataclass(frozen=True)
class Table:
    """The rows of `model` that match `condition` (SQL over `t`), some columns replaced by other SQL or left out."""

    model: type[Model]
    condition: str = "t.tenant_id = %(tenant)s"
    order: str = "id"
    replaced: Mapping[str, str] = field(default_factory=dict)
    omitted: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> list[str]:
        """The columns that travel."""
        names = [each.column for each in self.model._meta.concrete_fields]
        return [name for name in names if name not in self.omitted]

    def select(self) -> str:
        """SQL that gives each row as a JSON object; its parameters are `tenant` and `taken_at`."""
        values = ", ".join(f'{self._value(name)} AS "{name}"' for name in self.columns)
        rows = f'SELECT {values} FROM "{self.name}" t WHERE {self.condition} ORDER BY t."{self.order}"'
        return f"SELECT row_to_json(r) FROM ({rows}) r"

    def insert(self) -> str:
        """SQL that inserts a JSON array of rows."""
        names = ", ".join(f'"{name}"' for name in self.columns)
        source = f'json_populate_recordset(NULL::"{self.name}", %s::json)'
        return f'INSERT INTO "{self.name}" ({names}) SELECT {names} FROM {source}'

    def _value(self, column: str) -> str:
        return self.replaced.get(column, f't."{column}"')

    def default_of(self, column: str) -> Any:
        """What a row gets for a column that an older copy does not have."""
        return next(each for each in self.model._meta.concrete_fields if each.column == column).get_default()


_WALLED = (
    Table(Study),
    Table(SearchTerm),
    Table(Series),
    Table(
        VaultObject,
        WANTED_OBJECTS,
        # The copy's own vault is region 1 of the portal that serves it, and there is no other.
        replaced={
            "home_region": "1", "in_1_at": "%(taken_at)s", "in_2_at": "NULL", "scrubbed_1_at": "NULL",
            "scrubbed_2_at": "NULL",
        },
    ),
    Table(Instance),
    Table(Mount),
    Table(ShareLink),
    Table(PatientInvitation),
    Table(AccessToken),
    Table(PurgeOrder),
    Table(Tombstone),
    Table(Triage),
    Table(Reading),
    Table(SavedFilter),
    Table(WorklistSettings),
)  # fmt: skip


def _list_user_references() -> Iterator[str]:
    """Queries for everybody whom a row names: a foreign key must not dangle, even if they left long ago."""
    for table in _WALLED:
        for each in table.model._meta.concrete_fields:
            if isinstance(each, ForeignKey) and each.related_model is get_user_model():
                yield f'SELECT t."{each.column}" FROM "{table.name}" t WHERE {table.condition}'


_USERS = Table(
    User,
    f"{_IS_MEMBER} OR t.id IN ({' UNION '.join(_list_user_references())})",
    # Who is no member (any more) keeps a name beside what they did, and can open nothing. Nobody is the vendor here.
    replaced={
        "password": f"CASE WHEN {_IS_MEMBER} THEN t.password ELSE '!' END",
        "is_active": f"t.is_active AND {_IS_MEMBER}",
        "is_vendor_admin": "false",
    },
)

TABLES = (
    _USERS,
    Table(TOTPDevice, _OF_MEMBERS),
    Table(StaticDevice, _OF_MEMBERS),
    Table(StaticToken, f"t.device_id IN (SELECT id FROM otp_static_staticdevice WHERE user_id IN ({_MEMBERS}))"),
    Table(Tenant, "t.id = %(tenant)s"),
    Table(Membership),
    Table(Agreement),
    # Nobody joins a copy.
    Table(SecretRoute, "t.tenant_id = %(tenant)s AND t.kind <> 'member-invitation'", order="digest"),
    *_WALLED,
    # Numbered anew where it is loaded, so that the portal there can go on writing; the chain covers `seq`, not this.
    Table(AuditEvent, order="seq", omitted=frozenset({"id"})),
    Table(AuditHead, order="tenant_id"),
)
