"""The trail as CSV (RFC 4180) in which no cell is a formula (compliance.md DCM-10, ASVS 1.2.10)."""

import csv
import json
from collections.abc import Iterable, Iterator

from audit.models import AuditEvent

COLUMNS = (
    "seq", "at", "action", "outcome", "actor_kind", "actor_id", "actor_label", "address", "user_agent",
    "study_instance_uid", "series_instance_uid", "subject_id", "details", "digest",
)  # fmt: skip
# Spreadsheets also take the full-width forms for an operator.
FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")


class _Echo:
    """A file that gives back what is written: the writer formats, nothing is kept."""

    def write(self, line: str) -> str:
        return line


def as_csv(events: Iterable[AuditEvent]) -> Iterator[str]:
    """A header line, then one line per event."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(COLUMNS)
    for event in events:
        yield writer.writerow([safe_cell(text) for text in _cells(event)])


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA_STARTS) else text


def _cells(event: AuditEvent) -> Iterator[str]:
    shown = {
        "at": event.at.isoformat(),
        "details": json.dumps(event.details, sort_keys=True, ensure_ascii=False),
        "digest": bytes(event.digest).hex(),
    }
    return (shown.get(name) or str(getattr(event, name)) for name in COLUMNS)
