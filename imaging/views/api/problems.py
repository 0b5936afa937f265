"""What the API answers when it cannot do what was asked: problem details (RFC 9457) with a code that stays.

`code` is the contract; `detail` is for people and may change its words. Neither holds PHI.
"""

from http import HTTPStatus

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from imaging.selectors.listings import CursorUnknown
from imaging.services.deletion import RetentionNotEnded
from imaging.services.guest_links import LinkNotFound
from imaging.services.retention import StudyHeld
from tenants.baas.access import NoAgreementInForce

PROBLEM = "application/problem+json"


class InvalidParameters(exceptions.ValidationError):
    """What stands behind the question mark cannot be used."""


class PayloadTooLarge(exceptions.APIException):
    """The body is larger than anything the API takes."""

    status_code = 413
    default_detail = "The body is larger than anything this API takes."


class ScopeMissing(exceptions.PermissionDenied):
    """The token was not given this scope, or its member no longer has the role for it."""

    default_detail = "The token has not the scope for this, or its member not the role."


_CODES = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "token_invalid",
    ScopeMissing: "scope_missing",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "too_many_requests",
    exceptions.ParseError: "malformed_body",
    InvalidParameters: "invalid_parameters",
    exceptions.ValidationError: "invalid_body",
    PayloadTooLarge: "payload_too_large",
    NoAgreementInForce: "no_agreement_in_force",
    StudyHeld: "study_held",
    RetentionNotEnded: "retention_not_ended",
    LinkNotFound: "link_over",
    CursorUnknown: "cursor_unknown",
}
_OURS = {
    Http404: (404, "There is no such thing for this token."),
    NoAgreementInForce: (403, ""),
    StudyHeld: (409, "The study is under legal hold."),
    RetentionNotEnded: (409, ""),
    CursorUnknown: (400, "The cursor leads nowhere any more. Begin with the first page."),
    LinkNotFound: (409, "The link is revoked or has expired; a new code would open nothing."),
}


def answer_problem(error: Exception, context: dict[str, object]) -> Response | None:
    """The exception handler of every API view; None for what is nobody's request's fault."""
    if isinstance(error, exceptions.ValidationError):
        status = 400 if isinstance(error, InvalidParameters) else 422
        return _answer(error, status, "Something in the request cannot be used.", _fields(error.detail))
    if isinstance(error, exceptions.APIException):
        return _with_headers(_answer(error, error.status_code, str(error.detail)), error)
    if type(error) in _OURS:
        status, words = _OURS[type(error)]
        return _answer(error, status, words or str(error))
    return None


def _answer(error: Exception, status: int, detail: str, fields: list[dict[str, str]] | None = None) -> Response:
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), "not_found")
    problem: dict[str, object] = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail,
    }  # fmt: skip
    if fields:
        problem["errors"] = fields
    return Response(problem, status=status, content_type=PROBLEM)


def _with_headers(response: Response, error: exceptions.APIException) -> Response:
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(max(1, int(wait)))
    return response


def _fields(detail: object, path: str = "") -> list[dict[str, str]]:
    """Each thing that is wrong, by the field it is wrong with; '' is the body as a whole."""
    if isinstance(detail, dict):
        found = (_fields(value, name if not path else f"{path}.{name}") for name, value in detail.items())
        return [each for some in found for each in some]
    if isinstance(detail, list):
        return [each for item in detail for each in _fields(item, path)]
    field = "" if path == "non_field_errors" else path
    return [{"field": field, "code": str(getattr(detail, "code", "invalid")), "detail": str(detail)}]
