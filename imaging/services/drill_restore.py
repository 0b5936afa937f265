"""The restore that a drill tries: an index and an Orthanc from one region's vault alone, compared with what is live."""

import logging
import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from imaging.adapters.orthanc import OrthancNode
from imaging.adapters.scratch import require_room, scratch_folder
from imaging.adapters.scratch_database import IDENTITY_SQL, ScratchDatabase, ScratchFailed, scratch_database
from imaging.adapters.scratch_node import scratch_node
from imaging.selectors.drills import IndexRow, index_rows, list_refused_by_nodes
from imaging.services.drill_compare import (
    Check,
    Difference,
    Found,
    ImageRestore,
    Rows,
    compare_index,
    keep_what_still_holds,
)
from imaging.services.drill_sample import Sample
from imaging.services.regions import get_vault
from tenants.models import Tenant
from tenants.scoping import tenant_scope

logger = logging.getLogger(__name__)
_ROOM = 1.5  # bytes of scratch per byte restored: the node's sealed files, two indexes, and some air


@dataclass(frozen=True)
class Restore:
    """What a restore came to. Seconds are by the monotonic clock; `setup_s` is the part that size does not change."""

    differences: tuple[Difference, ...]
    setup_s: float
    work_s: float
    postgres: str  # versions
    orthanc: str

    @property
    def rto_seconds(self) -> int:
        """From nothing to compared, for the sample."""
        return math.ceil(self.setup_s + self.work_s)

    def estimate_seconds(self, sample: Sample) -> int:
        """The same for the whole practice: by bytes or by images, whichever is slower."""
        whole = sample.holdings
        times = max(whole.size / max(1, sample.size), whole.instances / max(1, len(sample.rows)), 1.0)
        return math.ceil(self.setup_s + self.work_s * times)

    def count(self, check: Check) -> int:
        """How many differences the check found."""
        return sum(difference.check is check for difference in self.differences)


@dataclass(frozen=True)
class _Scratch:
    folder: Path
    database: ScratchDatabase
    node: OrthancNode


def restore_sample(tenant: Tenant, sample: Sample, source_region: int) -> Restore:
    """Restore the sample into a scratch database and node from `source_region` alone, and compare.

    Raises
    ------
    ScratchFailed, ScratchFull, ScratchIsProduction, NodeUnavailable
    """
    root, server_url = settings.VAR_DIR / "drill", settings.DRILL_DATABASE_URL
    require_room(root, int(sample.size * _ROOM))
    started = time.monotonic()
    with (
        scratch_folder(root, server_url) as folder,
        scratch_database(folder, server_url, _identify_production()) as database,
        scratch_node(folder) as node,
    ):
        database.migrate()
        ready = time.monotonic()
        found = _restore_and_compare(_Scratch(folder, database, node), tenant, sample, source_region)
        ended = time.monotonic()
        versions = database.version(), str(node.system()["Version"])
    return Restore(keep_what_still_holds(tenant.id, found), ready - started, ended - ready, *versions)


def restore_index(
    database: ScratchDatabase, tenant: Tenant, source_region: int, study_instance_uids: Iterable[str], folder: Path
) -> None:
    """Rebuild the index of the studies in `database` from one region's vault, in a process of its own.

    The process is pointed away from the other region; the UIDs travel by file, because `ps` shows arguments. Its exit
    code tells of findings too; what those did to the index is for the comparison to say.
    """
    uids = folder / "studies"
    uids.write_text("".join(f"{uid}\n" for uid in study_instance_uids))
    arguments = ["--tenant", tenant.slug, "--tenant-id", str(tenant.id), "--region", str(source_region)]
    done = database.manage(["rebuild_index", *arguments, "--studies", str(uids)], _without_other(source_region, folder))
    if done.code:
        logger.error("Restore drill: rebuild_index ended with %s: %s", done.code, done.error)


def _without_other(source_region: int, folder: Path) -> dict[str, str]:
    return {
        f"COLLIMATE_{part}_{region}": str(folder / f"no-{part.lower()}-{region}")
        for part in ("VAULT", "KEYS")
        for region in settings.REGIONS
        if region != source_region
    }


def _identify_production() -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(IDENTITY_SQL)
        return tuple(cursor.fetchone())


def _restore_and_compare(scratch: _Scratch, tenant: Tenant, sample: Sample, source_region: int) -> list[Found]:
    restore_index(scratch.database, tenant, source_region, sample.study_instance_uids, scratch.folder)
    live, restored = _by_uid(sample.rows), _restored_rows(scratch.database, tenant, sample)
    with tenant_scope(tenant.id):
        refused = list_refused_by_nodes(sample.study_instance_uids)
    images = ImageRestore(get_vault(source_region), scratch.node, tenant.id, refused)
    return [*compare_index(live, restored), *images.restore(live, restored)]


def _restored_rows(database: ScratchDatabase, tenant: Tenant, sample: Sample) -> Rows:
    """The restored index's answer to the query that the live one was asked. Raises `ScratchFailed` if it has none."""
    if not sample.rows:
        return {}
    with tenant_scope(tenant.id):
        query, parameters = index_rows(sample.study_instance_uids).query.sql_with_params()
    rows = [IndexRow.of(row) for row in database.fetch(tenant.id, query, parameters)]
    if not rows:
        raise ScratchFailed("nothing was restored: rebuild_index wrote no row")
    return _by_uid(rows)


def _by_uid(rows: Iterable[IndexRow]) -> Rows:
    return {row.sop_instance_uid: row for row in rows}
