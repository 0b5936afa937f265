"""The studies resource of DICOMweb: STOW-RS here (PS3.18 §10.5), searching and retrieving elsewhere.

The one path carries all transactions, so the one view sends each to its own. A body is streamed part by part.
"""

from collections.abc import Callable, Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from audit.actions import Action
from imaging.access import StudyNotFound
from imaging.dicom.multipart import MalformedMultipart, Part, iter_parts, parse_content_type
from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.models import AccessToken
from imaging.models import Outcome as Verdict
from imaging.services.assembly import METADATA_BYTES, MalformedMetadata, MetadataTooLarge, assemble_files
from imaging.services.intake import STORAGE_UNAVAILABLE, IncomingFile, Receipt, VaultUnavailable, receive
from imaging.views import qido, wado
from imaging.views.bodies import body_reader
from imaging.views.deletion import delete_study, refuse_method
from imaging.views.writers import find_writer, record_denied
from tenants.baas.access import NoAgreementInForce
from tenants.decorators import guard
from tenants.selectors import find_tenant

DICOM_JSON = "application/dicom+json"
MOST_PARTS = 100_000  # each costs a receipt in memory
_ERROR_COMMENT_LENGTH = 64  # LO


class BodyTooLarge(Exception):
    """More bytes or parts than one request may carry."""


@csrf_exempt
@guard("dicomweb")
def studies_service(request: HttpRequest, slug: str, study_instance_uid: str | None = None) -> HttpResponse:
    """POST stores, GET searches or retrieves, DELETE asks for a study's end; each behind its own guard.

    Exempt from the middleware's CSRF check, as a bearer token needs none; a session is checked in `find_writer`.
    """
    if request.method == "POST":
        return store_instances(request, slug, study_instance_uid)
    if request.method == "DELETE" and study_instance_uid:
        return delete_study(request, slug, study_instance_uid)
    if request.method not in ("GET", "HEAD"):
        return refuse_method(request, "GET, HEAD, POST, DELETE" if study_instance_uid else "GET, HEAD, POST")
    if study_instance_uid is None:
        return qido.search_for_studies(request, slug)
    return wado.retrieve_study(request, slug, study_instance_uid=study_instance_uid)


def store_instances(request: HttpRequest, slug: str, study_instance_uid: str | None = None) -> HttpResponse:
    """STOW-RS: every part is judged, sealed and indexed on its own; the answer tells what became of each."""
    tenant = find_tenant(slug)
    actor = find_writer(request, slug, tenant, AccessToken.Scope.STORE)
    if isinstance(actor, HttpResponse):
        return actor
    if refusal := _find_refusal(request, study_instance_uid):
        return refusal
    try:
        receipts = receive(actor, tenant.id, _files(request), timezone.now(), study_instance_uid or "")
    except StudyNotFound:
        record_denied(request, tenant, actor, Action.ACCESS_DENIED)
        raise Http404 from None
    except NoAgreementInForce as refusal:
        record_denied(request, tenant, actor, Action.GATE_REFUSED)
        return _refuse(403, refusal.reason)
    except (BodyTooLarge, MetadataTooLarge):
        return _too_large()
    except (MalformedMetadata, MalformedMultipart, UnreadablePostError) as error:
        return _refuse(400, f"The multipart body cannot be read: {error}")
    except VaultUnavailable:
        return _refuse(503, STORAGE_UNAVAILABLE.message)
    if not receipts:
        return _refuse(400, "The multipart body holds no instance.")
    answer = _Answer(request, slug, study_instance_uid, receipts)
    return JsonResponse(answer.data_set(), status=answer.status(), content_type=DICOM_JSON)


def _find_refusal(request: HttpRequest, study_instance_uid: str | None) -> HttpResponse | None:
    """What can be said before the body is read."""
    try:
        validate_uid(study_instance_uid or "0")
    except InvalidUID:
        return _refuse(400, "The Study Instance UID in the address is not valid.")
    if _type_of_parts(request) not in ("application/dicom", DICOM_JSON):
        return _refuse(415, f'The body must be multipart/related; type="application/dicom" or "{DICOM_JSON}".')
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BYTES:
        return _too_large()
    return None


def _too_large() -> HttpResponse:
    most = f"{settings.UPLOAD_MAX_BYTES} bytes in {MOST_PARTS} parts or instances, of metadata {METADATA_BYTES} bytes"
    return _refuse(413, f"A request may carry {most}, no more.")


def _type_of_parts(request: HttpRequest) -> str:
    """What `multipart/related` says of its first part, '' where it says nothing or is something else."""
    try:
        kind, parameters = parse_content_type(request.headers.get("Content-Type", ""))
    except MalformedMultipart:
        return ""
    return parameters.get("type", "").lower() if kind == "multipart/related" else ""


def _refuse(status: int, reason: str) -> HttpResponse:
    return JsonResponse({"reason": reason}, status=status)


def _files(request: HttpRequest) -> Iterator[IncomingFile]:
    if _type_of_parts(request) == DICOM_JSON:
        yield from assemble_files(_parts(request), MOST_PARTS)
        return
    for number, part in enumerate(_parts(request), 1):
        yield IncomingFile(f"part {number}", part.chunks())


def _parts(request: HttpRequest) -> Iterator[Part]:
    parts = iter_parts(_limited(body_reader(request)), request.headers["Content-Type"])
    for number, part in enumerate(parts, 1):
        if number > MOST_PARTS:
            raise BodyTooLarge
        yield part


def _limited(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    left = settings.UPLOAD_MAX_BYTES

    def limited(size: int) -> bytes:
        nonlocal left
        data = read(size)
        left -= len(data)
        if left < 0:
            raise BodyTooLarge
        return data

    return limited


class _Answer:
    """The Store Instances Response (PS3.18 §10.5.3, Annex I.2)."""

    def __init__(
        self, request: HttpRequest, slug: str, study_instance_uid: str | None, receipts: list[Receipt]
    ) -> None:
        self._receipts = receipts
        self._study = study_instance_uid
        self._root = request.build_absolute_uri(reverse("stow", args=[slug]))

    def status(self) -> int:
        """200 all stored, 202 some or with a warning, 409 none, 503 none because the storage is away."""
        failed = [each for each in self._receipts if each.outcome == Verdict.REFUSED]
        if len(failed) < len(self._receipts):
            return 202 if failed or any(each.warning for each in self._receipts) else 200
        return 503 if any(each.reason == STORAGE_UNAVAILABLE.code for each in failed) else 409

    def data_set(self) -> dict[str, object]:
        kept = [each for each in self._receipts if each.outcome != Verdict.REFUSED]
        failed = [each for each in self._receipts if each.outcome == Verdict.REFUSED]
        sequences = {
            "00081198": [_failure(each) for each in failed if each.sop_instance_uid],
            "00081199": [self._reference(each) for each in kept],
            "0008119A": [_failure(each) for each in failed if not each.sop_instance_uid],
        }
        found = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}
        studies = {self._study} if self._study else {each.study_instance_uid for each in kept}
        url = {"00081190": _value("UR", f"{self._root}/{studies.pop()}")} if kept and len(studies) == 1 else {}
        return url | found

    def _reference(self, each: Receipt) -> dict[str, object]:
        series = f"{self._root}/{each.study_instance_uid}/series/{each.series_instance_uid}"
        warning = {"00081196": _value("US", each.warning)} if each.warning else {}
        return _object(each) | {"00081190": _value("UR", f"{series}/instances/{each.sop_instance_uid}")} | warning


def _object(each: Receipt) -> dict[str, object]:
    return {"00081150": _value("UI", each.sop_class_uid), "00081155": _value("UI", each.sop_instance_uid)}


def _failure(each: Receipt) -> dict[str, object]:
    """Failure Reason, and in Error Comment our own words; what could not be parsed has no UIDs to name."""
    words = _value("LO", each.message[:_ERROR_COMMENT_LENGTH])
    identity = _object(each) if each.sop_instance_uid else {}
    return {"00000902": words} | identity | {"00081197": _value("US", each.failure_reason)}


def _value(vr: str, value: object) -> dict[str, object]:
    return {"vr": vr, "Value": [value]}
