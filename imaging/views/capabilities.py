"""What the DICOMweb service can do (PS3.18 §8.9): Retrieve Capabilities, as WADL or as JSON."""

from xml.sax.saxutils import quoteattr

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from imaging.dicom.media_types import MediaType
from imaging.views.dicomweb import dicomweb_options
from imaging.views.media import DICOM, OCTET_STREAM, PDF, RENDERED, accept_of, require_one

_WADL = MediaType("application/vnd.sun.wadl+xml")
_TYPES = (_WADL, MediaType("application/json"), MediaType("application/dicom+json"))
_JSON = ("application/dicom+json", "application/json")
_FILES = (f'multipart/related; type="{DICOM}"',)
_INSTANCE = (*_FILES, DICOM)
_FRAMES = tuple(
    f'multipart/related; type="{each}"'
    for each in (OCTET_STREAM, "image/jpeg", "image/jls", "image/jp2", "image/jphc", "image/dicom-rle")
)
_PICTURES = (*RENDERED, *(f'multipart/related; type="{each}"' for each in RENDERED))
_SHOWN = ("accept", "window", "viewport", "quality")
_SEARCH = ("limit", "offset", "includefield", "fuzzymatching")
_STUDY = "studies/{study}"
_SERIES = f"{_STUDY}/series/{{series}}"
_OBJECT = f"{_SERIES}/instances/{{instance}}"
# Path, method, name, query parameters, media types of the answer.
TRANSACTIONS = (
    ("studies", "GET", "SearchForStudies", _SEARCH, _JSON),
    ("studies", "POST", "StoreInstances", (), _JSON),
    (f"{_STUDY}/series", "GET", "SearchForSeries", _SEARCH, _JSON),
    (f"{_STUDY}/instances", "GET", "SearchForInstances", _SEARCH, _JSON),
    (f"{_SERIES}/instances", "GET", "SearchForInstances", _SEARCH, _JSON),
    (_STUDY, "GET", "RetrieveStudy", ("accept",), _FILES),
    (_STUDY, "POST", "StoreInstances", (), _JSON),
    (_SERIES, "GET", "RetrieveSeries", ("accept",), _FILES),
    (_OBJECT, "GET", "RetrieveInstance", ("accept",), _INSTANCE),
    (f"{_OBJECT}/frames/{{frames}}", "GET", "RetrieveFrames", ("accept",), (*_FRAMES, OCTET_STREAM)),
    (f"{_OBJECT}/bulkdata/{{path}}", "GET", "RetrieveBulkdata", ("accept",), (OCTET_STREAM, _FRAMES[0])),
    *((f"{level}/metadata", "GET", "RetrieveMetadata", ("accept",), _JSON) for level in (_STUDY, _SERIES, _OBJECT)),
    *((f"{level}/rendered", "GET", "RetrieveRendered", _SHOWN, _PICTURES) for level in (_STUDY, _SERIES)),
    (f"{_OBJECT}/rendered", "GET", "RetrieveRendered", _SHOWN, (*_PICTURES, PDF)),
    (f"{_OBJECT}/frames/{{frames}}/rendered", "GET", "RetrieveRendered", _SHOWN, _PICTURES),
    *(
        (f"{level}/thumbnail", "GET", "RetrieveThumbnail", ("accept", "viewport"), (*RENDERED, "image/webp"))
        for level in (_STUDY, _SERIES, _OBJECT, f"{_OBJECT}/frames/{{frames}}")
    ),
)


@dicomweb_options
def retrieve_capabilities(request: HttpRequest) -> HttpResponseBase:
    """`OPTIONS` or `GET` of the service's root: the resources, their methods, parameters and media types."""
    media_type = require_one(accept_of(request), _TYPES)
    if media_type == _WADL:
        response = HttpResponse(_wadl(request.dicomweb_root), content_type=media_type.type)
    else:
        response = JsonResponse(_json(request.dicomweb_root), content_type=media_type.type)
    response["Allow"] = "GET, HEAD, OPTIONS"
    response["Vary"] = "Accept"
    return response


def _json(root: str) -> dict[str, object]:
    keys = ("path", "method", "name", "parameters", "media_types")
    return {"base": root, "transactions": [dict(zip(keys, each, strict=True)) for each in TRANSACTIONS]}


def _wadl(root: str) -> str:
    paths = dict.fromkeys(path for path, *_ in TRANSACTIONS)
    resources = "".join(_resource(path) for path in paths)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<application xmlns="http://wadl.dev.java.net/2009/02">'
        f"<resources base={quoteattr(root)}>{resources}</resources></application>\n"
    )


def _resource(path: str) -> str:
    methods = "".join(_method(*each[1:]) for each in TRANSACTIONS if each[0] == path)
    return f"<resource path={quoteattr(path)}>{methods}</resource>"


def _method(method: str, name: str, parameters: tuple[str, ...], media_types: tuple[str, ...]) -> str:
    request = "".join(f'<param name={quoteattr(each)} style="query"/>' for each in parameters)
    response = "".join(f"<representation mediaType={quoteattr(each)}/>" for each in media_types)
    return (
        f"<method name={quoteattr(method)} id={quoteattr(name)}><request>{request}</request>"
        f'<response status="200">{response}</response></method>'
    )
