"""Share links: list, create, revoke, unlock."""

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.forms.api import (
    IssuedShareSerializer,
    NewCodeSerializer,
    NewShareSerializer,
    SharePageSerializer,
    ShareSerializer,
)
from imaging.forms.api_fields import PageParameters
from imaging.selectors.listings import listed
from imaging.services import listings, sharing
from imaging.views.api.asking import body_of, parameters_of
from imaging.views.api.describing import STUDY_UID, WITH_BODY, described
from imaging.views.api.guard import Resource, Scope

TAG = "Shares"
_EXAMPLE = OpenApiExample(
    "A week, for looking",
    value={"recipient_name": "Rita Ross", "recipient_email": "rita@ortho.example", "days": 7, "send_mail": True},
    request_only=True,
)


class Shares(Resource):
    """Every link of the practice."""

    scopes = {"GET": Scope.SHARE}

    @described(
        "List links", Scope.SHARE, {200: SharePageSerializer}, name="list_shares", tag=TAG, problems=(400,),
        parameters=(PageParameters,), description="The newest first; for owners and uploaders.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        asked = parameters_of(request, PageParameters).validated_data
        page = listings.list_shares(request.actor, asked.get("cursor"), asked["limit"], timezone.now())
        return Response(SharePageSerializer(page).data)


class StudyShares(Resource):
    """One study's links."""

    scopes = {"GET": Scope.SHARE, "POST": Scope.SHARE}

    @described(
        "List a study's links", Scope.SHARE, {200: SharePageSerializer}, name="list_study_shares", tag=TAG,
        problems=(400,), parameters=(STUDY_UID, PageParameters),
    )  # fmt: skip
    def get(self, request: Request, study_instance_uid: str) -> Response:
        asked = parameters_of(request, PageParameters).validated_data
        page = listings.list_study_shares(
            request.actor, study_instance_uid, asked.get("cursor"), asked["limit"], timezone.now()
        )
        return Response(SharePageSerializer(page).data)

    @described(
        "Share a study", Scope.SHARE, {201: IssuedShareSerializer}, name="create_share", tag=TAG,
        problems=WITH_BODY, parameters=(STUDY_UID,), request=NewShareSerializer, examples=(_EXAMPLE,),
        description="The answer holds the link's address and its code, this once. Tell the code by another channel.",
    )  # fmt: skip
    def post(self, request: Request, study_instance_uid: str) -> Response:
        wanted = dict(body_of(request, NewShareSerializer).validated_data)
        mail = wanted.pop("send_mail")
        issued = sharing.create_link(request.actor, study_instance_uid, **wanted, now=timezone.now())
        url = settings.ORIGIN + reverse("share_open", args=[issued.secret])
        if mail:
            sharing.mail_link(issued.link_id, url)
        shown = {"id": issued.link_id, "url": url, "code": issued.code}
        return Response(IssuedShareSerializer(shown).data, status=201)


class Share(Resource):
    """One link."""

    scopes = {"GET": Scope.SHARE}

    @described("Read a link", Scope.SHARE, {200: ShareSerializer}, name="read_share", tag=TAG)
    def get(self, request: Request, link_id: UUID) -> Response:
        return Response(ShareSerializer(listings.read_share(request.actor, link_id, timezone.now())).data)


class ShareRevocation(Resource):
    """The end of a link."""

    scopes = {"POST": Scope.SHARE}

    @described(
        "Revoke a link", Scope.SHARE, {200: ShareSerializer}, name="revoke_share", tag=TAG,
        description="Its next request is refused. Revoking twice is no mistake.",
    )  # fmt: skip
    def post(self, request: Request, link_id: UUID) -> Response:
        now = timezone.now()
        link = sharing.revoke_link(request.actor, link_id, now)
        return Response(ShareSerializer(listed(link, now)).data)


class ShareUnlocking(Resource):
    """A fresh code for a link that is locked, or whose code was mislaid."""

    scopes = {"POST": Scope.SHARE}

    @described(
        "Unlock a link", Scope.SHARE, {200: NewCodeSerializer}, name="unlock_share", tag=TAG, problems=(409,),
        description="The answer holds a fresh code, this once; the one before no longer works.",
    )  # fmt: skip
    def post(self, request: Request, link_id: UUID) -> Response:
        link, code = sharing.unlock_link(request.actor, link_id, timezone.now())
        return Response(NewCodeSerializer({"id": link.id, "code": code}).data)
