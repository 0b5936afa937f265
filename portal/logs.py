"""Log lines without secrets: share tokens and UIDs in addresses are cut before a line is written."""

import logging
import re

_SECRET_PATH = re.compile(r"(/(?:s|records|join|reset/[A-Za-z0-9_\-]+)/)[A-Za-z0-9_\-]{16,}")
_UID_PATH = re.compile(r"(/(?:studies|series|instances)/|(?:UID|UIDs)=)[0-9.,]{5,}")
# PostgreSQL's errors quote the row they are about: names, birth dates and all.
_ROW = re.compile(r"(DETAIL: ).*")


def redact(line: str) -> str:
    """The line with every link secret and DICOM UID in a path, and every quoted row, replaced by an ellipsis."""
    return _ROW.sub(r"\1…", _UID_PATH.sub(r"\1…", _SECRET_PATH.sub(r"\1…", line)))


class RedactingFormatter(logging.Formatter):
    """Formats as usual, then redacts, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
