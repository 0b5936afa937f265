"""Why a file was refused, in the reader's language."""

import pytest
from django.utils import translation

from imaging.dicom import preamble, reasons
from imaging.selectors.refusals import say_refusal

REASONS = [value for value in vars(reasons).values() if isinstance(value, reasons.Reason)]
KINDS = sorted({name for _magic, name in preamble._MAGICS})


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_every_reason_is_said_in_spanish(reason: reasons.Reason) -> None:
    assert say_refusal(reason.message) == reason.message
    with translation.override("es"):
        assert say_refusal(reason.message) != reason.message


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_is_instead_is_said_in_spanish(kind: str) -> None:
    message = f"This is {kind}, not a DICOM file."

    with translation.override("es"):
        said = say_refusal(message)

    assert say_refusal(message) == message
    assert said != message
    assert said.endswith("no un archivo DICOM.")


@pytest.mark.parametrize("message", ["", "Something that nobody foresaw."])
def test_what_nobody_translated_is_said_as_it_is(message: str) -> None:
    with translation.override("es"):
        assert say_refusal(message) == message
