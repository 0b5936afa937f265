"""Why files were refused, in the reader's language. What is stored and what programs get stays English."""

import re

from django.utils.translation import gettext as _

_KIND = re.compile(r"This is (.+), not a DICOM file\.")


def say_refusal(message: str) -> str:
    """A reason's message as the reader says it; what a file is instead is named inside (imaging/dicom/preamble.py)."""
    known = _(message) if message else ""
    if known != message or not (found := _KIND.fullmatch(message)):
        return known
    return _("This is {kind}, not a DICOM file.").format(kind=_(found[1]))
