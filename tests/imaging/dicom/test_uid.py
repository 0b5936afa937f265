"""UIDs are judged before they are used as names."""

import pytest

from imaging.dicom.uid import InvalidUID, strip_uid_padding, validate_uid


@pytest.mark.parametrize("uid", ["1", "1.2.840.10008.1.1", "1.02.3", "2." + "9" * 62])
def test_a_uid_is_returned(uid):
    assert validate_uid(uid) == uid


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".1",
        "1..2",
        "1.2\n",
        "1.2 ",
        "1.2\0",
        "1,2",
        "1.2/../3",
        "1.٣",
        "a",
        "2." + "9" * 63,
    ],
)
def test_anything_else_is_invalid(text):
    with pytest.raises(InvalidUID):
        validate_uid(text)


def test_the_error_does_not_repeat_the_text():
    with pytest.raises(InvalidUID) as caught:
        validate_uid("Doe^Jane")
    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(("padded", "uid"), [("1.2.3\0", "1.2.3"), ("1.2.3 ", "1.2.3"), ("1.2.3", "1.2.3")])
def test_padding_is_stripped(padded, uid):
    assert strip_uid_padding(padded) == uid
