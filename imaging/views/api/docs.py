"""The API's own description: the OpenAPI document, and pages to read and try it. Public: no tenant's rows."""

from functools import cache
from hashlib import sha256

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import condition, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2, OpenApiYamlRenderer2

from tenants.decorators import public

_RENDERERS = {"json": OpenApiJsonRenderer2, "yaml": OpenApiYamlRenderer2}


@public
@require_safe
@condition(etag_func=lambda request: f'"{sha256(_document(_kind(request))).hexdigest()[:32]}"')
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document as JSON, or as YAML for `?format=yaml` and for who accepts nothing else."""
    kind = _kind(request)
    response = HttpResponse(_document(kind), content_type=_RENDERERS[kind].media_type)
    response["Cache-Control"] = "public, no-cache"
    response["Vary"] = "Accept"
    return response


@public
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The reference, in which a token can be tried."""
    return render(request, "imaging/connections/api_docs.html")


def _kind(request: HttpRequest) -> str:
    asked = request.GET.get("format", "")
    if asked in _RENDERERS:
        return asked
    accepted = request.headers.get("Accept", "")
    return "yaml" if "yaml" in accepted and "json" not in accepted else "json"


@cache
def _document(kind: str) -> bytes:
    # Once per process: it follows from the code alone, and takes longer to make than anybody may be made to wait.
    document = SchemaGenerator().get_schema(request=None, public=True)
    return _RENDERERS[kind]().render(document, renderer_context={})
