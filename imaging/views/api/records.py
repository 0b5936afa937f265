"""Uploads, the trail, agreements, and the token itself."""

from uuid import UUID

from django.utils import timezone
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.forms.api import (
    AgreementsSerializer,
    EventPageSerializer,
    TokenSerializer,
    TrailParameters,
    UploadedFilePageSerializer,
    UploadPageSerializer,
    UploadSerializer,
)
from imaging.forms.api_fields import NumberedPageParameters, PageParameters
from imaging.selectors.uploads import UploadNotFound
from imaging.services import listings
from imaging.views.api.asking import parameters_of
from imaging.views.api.describing import described
from imaging.views.api.guard import Resource, Scope
from tenants.decorators import not_found_for


class Uploads(Resource):
    """The member's uploads."""

    scopes = {"GET": Scope.STORE}

    @described(
        "List uploads", Scope.STORE, {200: UploadPageSerializer}, name="list_uploads", tag="Uploads", problems=(400,),
        parameters=(PageParameters,),
        description="The token's member's own, newest first, until they expire. To send images with a token, use "
        "STOW-RS at `store_url`.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        asked = parameters_of(request, PageParameters).validated_data
        page = listings.list_uploads(request.actor, asked.get("cursor"), asked["limit"], timezone.now())
        return Response(UploadPageSerializer(page, context={"slug": request.tenant.slug}).data)


class Upload(Resource):
    """One upload."""

    scopes = {"GET": Scope.STORE}

    @described("Read an upload", Scope.STORE, {200: UploadSerializer}, name="read_upload", tag="Uploads")
    @not_found_for(UploadNotFound)
    def get(self, request: Request, upload_id: UUID) -> Response:
        found = listings.read_upload(request.actor, upload_id, timezone.now())
        return Response(UploadSerializer(found, context={"slug": request.tenant.slug}).data)


class UploadFiles(Resource):
    """What became of an upload's files."""

    scopes = {"GET": Scope.STORE}

    @described(
        "List an upload's files", Scope.STORE, {200: UploadedFilePageSerializer}, name="list_upload_files",
        tag="Uploads", problems=(400,), parameters=(NumberedPageParameters,),
        description="What became of each, and why. Empty until the upload is done.",
    )  # fmt: skip
    @not_found_for(UploadNotFound)
    def get(self, request: Request, upload_id: UUID) -> Response:
        asked = parameters_of(request, NumberedPageParameters).validated_data
        page = listings.list_upload_files(request.actor, upload_id, asked.get("cursor"), asked["limit"], timezone.now())
        return Response(UploadedFilePageSerializer(page).data)


class Trail(Resource):
    """The practice's audit trail."""

    scopes = {"GET": Scope.AUDIT}

    @described(
        "Read the audit trail", Scope.AUDIT, {200: EventPageSerializer}, name="list_events", tag="Audit",
        problems=(400,), parameters=(TrailParameters,),
        description="Events, newest first; for owners. Reading it is itself an event.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        asked = parameters_of(request, TrailParameters)
        given = asked.validated_data
        page = listings.list_events(request.actor, asked.wanted(), given.get("cursor"), given["limit"], timezone.now())
        return Response(EventPageSerializer(page).data)


class Agreements(Resource):
    """The practice's agreements with the vendor."""

    scopes = {"GET": Scope.AGREEMENTS}

    @described(
        "List agreements", Scope.AGREEMENTS, {200: AgreementsSerializer}, name="list_agreements", tag="Agreements",
        description="Business associate agreements, newest first, and whether one is in force; for owners.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found = listings.list_agreements(request.actor, request.tenant, timezone.localdate())
        return Response(AgreementsSerializer(found).data)


class Token(Resource):
    """The token that asks."""

    scopes = {"GET": None}

    @described("Read this token", None, {200: TokenSerializer}, name="read_token", tag="Token")
    def get(self, request: Request) -> Response:
        return Response(TokenSerializer(request.auth).data)


class Nowhere(Resource):
    """Every other address: the same problem as for what is not there."""

    schema = None
    scopes = {"GET": None, "POST": None, "DELETE": None}

    def get(self, request: Request, rest: str = "") -> Response:
        raise NotFound

    post = delete = get
