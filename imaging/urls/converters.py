"""Path converters of the images' routes."""

from django.urls import register_converter


class UIDConverter:
    """A DICOM UID (PS3.5 §9). What cannot be one matches no route, and is the same 404 as one we do not hold."""

    regex = r"[0-9][0-9.]{0,63}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UIDConverter, "uid")
