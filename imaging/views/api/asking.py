"""Reading what a request asks for; what cannot be used becomes a problem that names the field."""

from typing import TypeVar

from rest_framework.request import Request
from rest_framework.serializers import Serializer

from imaging.views.api.problems import InvalidParameters

Asked = TypeVar("Asked", bound=Serializer)


def parameters_of(request: Request, serializer: type[Asked]) -> Asked:
    """The query's parameters, validated; raises `InvalidParameters`."""
    asked = serializer(data=request.query_params.dict())
    if not asked.is_valid():
        raise InvalidParameters(asked.errors)
    return asked


def body_of(request: Request, serializer: type[Asked]) -> Asked:
    """The body, validated.

    Raises
    ------
    rest_framework.exceptions.ValidationError, ParseError, UnsupportedMediaType
    PayloadTooLarge
    """
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return asked
