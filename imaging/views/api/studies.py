"""Studies: list, search, read, their history, and asking for their end."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from imaging.forms.api import EventPageSerializer
from imaging.forms.api_fields import NumberedPageParameters
from imaging.forms.api_studies import (
    PurgeOrderSerializer,
    StudyDetailSerializer,
    StudyPageSerializer,
    StudyParameters,
    StudySearchSerializer,
    retrieve_url,
)
from imaging.services import listings
from imaging.services.deletion import ask_for_deletion
from imaging.views.api.asking import body_of, parameters_of
from imaging.views.api.describing import STUDY_UID, WITH_BODY, described
from imaging.views.api.guard import Resource, Scope

TAG = "Studies"


class Studies(Resource):
    """Every study of the practice."""

    scopes = {"GET": Scope.READ}

    @described(
        "List studies", Scope.READ, {200: StudyPageSerializer}, name="list_studies", tag=TAG, problems=(400,),
        parameters=(StudyParameters,),
        description="The latest first, a page at a time. To search by name, post to `/api/v1/studies/search`: a name "
        "in an address ends up in logs.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return _answer(request, parameters_of(request, StudyParameters))


class StudySearch(Resource):
    """A search that may name a patient."""

    scopes = {"POST": Scope.READ}
    only_reads = True

    @described(
        "Search for studies", Scope.READ, {200: StudyPageSerializer}, name="search_for_studies", tag=TAG,
        problems=WITH_BODY, request=StudySearchSerializer,
        description="Changes nothing; it is a POST so that no name is in an address. The trail keeps which fields "
        "were searched, not for what.",
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        return _answer(request, body_of(request, StudySearchSerializer))


class Study(Resource):
    """One study."""

    scopes = {"GET": Scope.READ, "DELETE": Scope.DELETE}

    @described(
        "Read a study", Scope.READ, {200: StudyDetailSerializer}, name="read_study", tag=TAG, parameters=(STUDY_UID,),
        description="Its attributes, series, state and retention. Images and header data come from DICOMweb at "
        "`retrieve_url`, with the same token.",
    )  # fmt: skip
    def get(self, request: Request, study_instance_uid: str) -> Response:
        found = listings.read_study(request.actor, study_instance_uid, request.tenant)
        context = {"slug": request.tenant.slug, "study_url": retrieve_url(request.tenant.slug, found.study)}
        return Response(StudyDetailSerializer(found, context=context).data)

    @described(
        "Ask for a study's deletion", Scope.DELETE, {202: PurgeOrderSerializer}, name="delete_study", tag=TAG,
        problems=(409,), parameters=(STUDY_UID,),
        description="The first of two yeses to its purge, and only when the retention rules allow: not under legal "
        "hold, and retention ended. An owner other than the one who asked approves in the portal; then the grace "
        "period passes. Asking again changes nothing and answers where it stands.",
    )  # fmt: skip
    def delete(self, request: Request, study_instance_uid: str) -> Response:
        order = ask_for_deletion(request.actor, request.tenant, study_instance_uid, timezone.now())
        return Response(PurgeOrderSerializer(order).data, status=202)


class StudyHistory(Resource):
    """What happened to one study."""

    scopes = {"GET": Scope.AUDIT}

    @described(
        "Read a study's history", Scope.AUDIT, {200: EventPageSerializer}, name="read_study_history", tag=TAG,
        problems=(400,), parameters=(STUDY_UID, NumberedPageParameters),
        description="The trail's events about this study, newest first; for owners and uploaders.",
    )  # fmt: skip
    def get(self, request: Request, study_instance_uid: str) -> Response:
        asked = parameters_of(request, NumberedPageParameters).validated_data
        page = listings.list_study_events(request.actor, study_instance_uid, asked.get("cursor"), asked["limit"])
        return Response(EventPageSerializer(page).data)


def _answer(request: Request, asked: StudyParameters) -> Response:
    page = listings.list_studies(request.actor, asked.filter(), asked.position(), asked.validated_data["limit"])
    return Response(StudyPageSerializer(page, context={"slug": request.tenant.slug}).data)
