"""How operations are told to drf-spectacular: every answer declared, problems included."""

import inspect
from collections.abc import Callable

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.serializers import Serializer

from imaging.forms.api import ProblemSerializer
from imaging.forms.api_fields import UID_PATTERN
from imaging.models import AccessToken
from imaging.views.api.problems import PROBLEM

STUDY_UID = OpenApiParameter(
    "study_instance_uid", {"type": "string", "pattern": UID_PATTERN}, OpenApiParameter.PATH,
    description="Study Instance UID (0020,000D).",
)  # fmt: skip
_ALWAYS = {
    401: "No token, or one that is unknown, revoked or expired, or whose member has left.",
    404: "Not there, or not this token's: the same answer for both.",
    405: "No such method at this address.",
    406: "No JSON is accepted.",
    429: "Too many requests of this token in this minute; Retry-After says when to go on.",
}
_MORE = {
    400: "A parameter or the body cannot be read; `errors` names which.",
    403: "The token has not the scope, its member not the role, or no agreement lets images leave the practice.",
    409: "The state of the thing forbids it.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not `application/json`.",
    422: "The body is JSON, and something in it cannot be used; `errors` names what.",
}
WITH_BODY = (400, 413, 415, 422)


class BearerScheme(OpenApiAuthenticationExtension):
    """The one way in."""

    target_class = "imaging.views.api.guard.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Made under Connections › Tokens, or by `manage.py create_token`. Shown once.",
        }


def described(
    summary: str,
    scope: AccessToken.Scope | None,
    answers: dict[int, type[Serializer]],
    *,
    name: str,
    tag: str,
    description: str = "",
    problems: tuple[int, ...] = (),
    parameters: tuple[object, ...] = (),
    request: type[Serializer] | None = None,
    examples: tuple[OpenApiExample, ...] = (),
) -> Callable[[Callable], Callable]:
    """Describe an operation: what it needs, takes and answers. `problems` are statuses beyond those of all."""
    told = f"Needs the scope `{scope}`." if scope else "Any live token will do."
    more = (*problems, 403) if scope else problems
    return extend_schema(
        operation_id=name,
        tags=[tag],
        summary=summary,
        description=" ".join(filter(None, (description, told))),
        parameters=list(parameters),
        request=request,
        responses={status: _told(answer) for status, answer in answers.items()} | _problems(more),
        examples=list(examples),
    )


def _told(answer: type[Serializer]) -> OpenApiResponse:
    return OpenApiResponse(answer, description=inspect.cleandoc(answer.__doc__ or ""))


def _problems(more: tuple[int, ...]) -> dict[tuple[int, str], OpenApiResponse]:
    words = _ALWAYS | {status: _MORE[status] for status in more}
    return {
        (status, PROBLEM): OpenApiResponse(ProblemSerializer, description=words[status]) for status in sorted(words)
    }
