"""Fields and parameters that several of the API's serializers share."""

from rest_framework import serializers

UID_PATTERN = r"^[0-9][0-9.]{0,63}$"
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
STUDY_CURSOR = r"^(after|before)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
# Into mails and onto pages: one line.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


class LimitField(serializers.IntegerField):
    """How many rows a page may have."""

    def __init__(self, **options: object) -> None:
        super().__init__(
            min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT, help_text="Rows in a page.", **options
        )


class PageParameters(serializers.Serializer):
    """Paging by the id of the last row."""

    cursor = serializers.UUIDField(required=False, help_text="`next_cursor` of the page before.")
    limit = LimitField()


class NumberedPageParameters(serializers.Serializer):
    """Paging by the number of the last row."""

    cursor = serializers.IntegerField(
        required=False, min_value=0, max_value=2**63 - 1, help_text="`next_cursor` of the page before."
    )
    limit = LimitField()


class CursorText(serializers.CharField):
    """A cursor in an answer, or null at the end."""

    def __init__(self, source: str, **options: object) -> None:
        super().__init__(source=source, allow_null=True, help_text="Null at the end.", **options)

    def to_representation(self, value: str) -> str | None:
        return value or None


class ProblemErrorSerializer(serializers.Serializer):
    """One thing that is wrong with the request."""

    field = serializers.CharField(help_text="Name of the field; empty for the body as a whole.")
    code = serializers.CharField()
    detail = serializers.CharField()
