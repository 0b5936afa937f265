"""Nothing that is logged, by web or worker, names a patient or opens a link."""

import logging
from collections.abc import Iterator

import pytest

from portal.celery import app
from portal.logs import RedactingFormatter, redact


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def test_a_row_that_the_database_quotes_is_cut() -> None:
    line = 'null value in column "size"\nDETAIL:  Failing row contains (7, Doe^Jane, 1970-05-05).\nSQL'

    assert "Doe" not in redact(line)
    assert redact(line).endswith("SQL")


def test_workers_log_with_the_redacting_formatter(root: logging.Logger) -> None:
    root.handlers[:] = []
    app.log._setup = app.log.already_setup = False

    app.log.setup(loglevel="WARNING", redirect_stdouts=False)

    assert [type(handler.formatter) for handler in root.handlers] == [RedactingFormatter]


@pytest.mark.parametrize("line", [
    "GET /t/northside/dicomweb/studies/1.2.840.99/series/1.2.840.98/instances/1.2.840.97",
    "GET /t/northside/ohif/viewer?StudyInstanceUIDs=1.2.840.99,1.2.840.98",
    "GET /t/northside/wado?requestType=WADO&studyUID=1.2.840.99&seriesUID=1.2.840.98&objectUID=1.2.840.97",
])  # fmt: skip
def test_no_uid_of_an_address_is_logged(line: str) -> None:
    assert "1.2.840" not in redact(line)
