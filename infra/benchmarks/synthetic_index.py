"""An index of many studies without an image: rows made in the database, and the same rows for an oracle in Python.

A few families are frequent and most are rare; a patient has three studies; a second practice holds a tenth as much of
the same names, which must never be found. Rows go in as the superuser with triggers off, as a restore would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import product

import psycopg
from psycopg.conninfo import make_conninfo

from infra.benchmarks.stack import Stack
from infra.local.accounts import server_account
from infra.local.postgres import Cluster

TENANT, NEIGHBOUR = "northside", "southside"
MADE = "1.2.826.0.1.3680043.8.498.9."  # how the UIDs of all these studies begin
RARE = "XQUIZZ"  # one study in RARE_EACH
RARE_EACH = 40_000
_FAMILIES = ["".join(parts).upper() for parts in product(
    ("an", "ber", "cor", "da", "el", "fis", "gar", "hol", "ja", "kel", "lo", "mar", "nor", "ol", "pet", "ro"),
    ("a", "der", "gi", "kin", "la", "man", "ne", "ri", "se", "to", "vi", "wo"),
    ("", "berg", "dez", "ez", "ger", "ini", "ley", "low", "mann", "nik", "ov", "sen", "ski", "son", "ton", "wald"),
)]  # fmt: skip
_GIVEN = ["".join(parts).upper() for parts in product(
    ("al", "be", "ca", "do", "em", "fa", "he", "jo", "li", "mi", "pa", "sa", "ti", "vi"),
    ("da", "ena", "hn", "ka", "lia", "na", "rik", "ron", "ssa", "tor", "us"),
)]  # fmt: skip
_CHANCE = "(hashint8extended({of}, {seed}) & 2147483647) / 2147483648.0"
_STUDIES = f"""
INSERT INTO imaging_study (id, tenant_id, study_instance_uid, patient_id, issuer_of_patient_id, patient_name,
    patient_birth_date, patient_sex, study_date, study_time, study_description, study_id, accession_number,
    referring_physician_name, institution_name, modalities, series_count, instance_count, size, search_text,
    timezone_offset, patient_name_key, referrer_name_key, received_at, last_received_at, hold_reason)
SELECT md5(%(slug)s || n)::uuid, %(tenant)s, '1.2.826.0.1.3680043.8.498.9.' || n, 'P' || lpad(patient::text, 8, '0'),
    '', name, date '1930-01-01' + (patient %% 29000)::int, (ARRAY['F', 'M'])[patient %% 2 + 1],
    date '2016-01-01' + floor({_CHANCE.format(of="n", seed=3)} * 3650)::int, time '08:00', 'Study ' || n %% 40,
    (n %% 9999)::text, 'A' || n, 'REFERRER^' || n %% 97, 'Northside', (ARRAY['CT', 'IO', 'MR', 'PX'])[n %% 4 + 1], 3,
    120, 60000000, ' ' || concat_ws(' ', lower(replace(name, '^', ' ')), 'referrer', n %% 97,
        'p' || lpad(patient::text, 8, '0'), patient, 'a' || n, n, n %% 9999, 'study', n %% 40,
        date '1930-01-01' + (patient %% 29000)::int,
        date '2016-01-01' + floor({_CHANCE.format(of="n", seed=3)} * 3650)::int,
        lower((ARRAY['CT', 'IO', 'MR', 'PX'])[n %% 4 + 1])) || ' ',
    '', lower(name) || '==', 'referrer^' || n %% 97 || '==', now(), now(), ''
FROM (
    SELECT n, n / 3 AS patient, CASE WHEN n %% {RARE_EACH} = {RARE_EACH // 2} THEN '{RARE}' ELSE (%(families)s::text[])[
        1 + floor(pow({_CHANCE.format(of="n / 3", seed=1)}, 2.5) * {len(_FAMILIES)})::int] END || '^' ||
        (%(given)s::text[])[1 + floor(pow({_CHANCE.format(of="n / 3", seed=2)}, 1.5) * {len(_GIVEN)})::int] AS name
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
) made
"""
_TERMS = """
INSERT INTO imaging_searchterm (id, tenant_id, study_id, study_date, kind, key)
SELECT gen_random_uuid(), tenant_id, s.id, study_date, kind, left(key, 64)
FROM imaging_study s, LATERAL (VALUES
    ('p', split_part(patient_name_key, '=', 1)), ('w', split_part(split_part(patient_name_key, '=', 1), '^', 2)),
    ('r', split_part(referrer_name_key, '=', 1)), ('m', modalities),
    ('t', substr(referrer_name_key, 10, length(referrer_name_key) - 11)), ('t', lower(patient_id)),
    ('t', ltrim(substr(patient_id, 2), '0')), ('t', lower(accession_number)), ('t', substr(accession_number, 2)),
    ('t', study_id), ('t', 'study'), ('t', substr(study_description, 7)), ('t', patient_birth_date::text)
) term (kind, key)
WHERE tenant_id = %(tenant)s AND split_part(study_instance_uid, '.', 10)::bigint BETWEEN %(first)s AND %(last)s
    AND study_instance_uid LIKE '1.2.826.0.1.3680043.8.498.9.%%'
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('imaging_study', 'imaging_searchterm')
    AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
_KEPT = """
SELECT study_instance_uid, patient_name, patient_id, study_date, search_text FROM imaging_study
WHERE tenant_id = (SELECT id FROM tenants_tenant WHERE slug = %s) ORDER BY study_date DESC NULLS LAST, id DESC
"""


@dataclass(frozen=True)
class Study:
    """What an oracle needs to know of a study."""

    uid: str
    patient_name: str
    patient_id: str
    study_date: date
    search_text: str  # the tokens of everything, made here in SQL and not by the code that is measured


class SyntheticIndex:
    """The index of a stack's database."""

    def __init__(self, stack: Stack) -> None:
        cluster = Cluster(stack.layout.postgres.resolve(), server_account())
        self._dsn = make_conninfo(cluster.superuser_dsn, dbname="collimate")
        self._size = 0

    def grow(self, size: int) -> list[Study]:
        """Let the practice have `size` synthetic studies; all it has, latest first."""
        with self._connected() as connection:
            with _without_indexes(connection):
                for slug, share in ((TENANT, 1), (NEIGHBOUR, 10)):
                    self._add(connection, slug, self._size // share + 1, size // share)
            connection.execute("VACUUM ANALYZE imaging_study, imaging_searchterm")
            connection.execute("CHECKPOINT")
            rows = connection.execute(_KEPT, [TENANT]).fetchall()
        self._size = size
        return [Study(*row) for row in rows]

    def _add(self, connection: psycopg.Connection, slug: str, first: int, last: int) -> None:
        tenant = connection.execute("SELECT id FROM tenants_tenant WHERE slug = %s", [slug]).fetchone()[0]
        values = {
            "slug": slug, "tenant": tenant, "first": first, "last": last, "families": _FAMILIES, "given": _GIVEN,
        }  # fmt: skip
        connection.execute(_STUDIES, values)
        connection.execute(_TERMS, values)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("SET maintenance_work_mem = '256MB'")
            yield connection


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Built anew at the end, which is faster than row by row; those of constraints stay."""
    indexes = connection.execute(_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in indexes:
        connection.execute(definition)
