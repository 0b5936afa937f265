"""The mount of a study: read by whoever may look at it, kept by those who may change it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from imaging.access import StudyNotFound
from imaging.forms.mounts import MAX_BODY, BadMount, read_mount
from imaging.services.mounts import ForeignFilm, MountChanged, MountState, keep_mount, require_keeper, show_mount
from imaging.views.guards import reader
from tenants.actors import actor_of
from tenants.decorators import member, not_found_for
from tenants.models import Role


@reader
@require_safe
def study_mount(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """What lies where, for members, links and patients; revision 0 is a study whose films nobody has laid."""
    return _answer(show_mount(request.actor, study_instance_uid))


@member(Role.OWNER, Role.UPLOADER)
@require_POST
@not_found_for(StudyNotFound)
def study_mount_keep(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    """Keep what lies where; 409 with the other's mount when someone else was quicker."""
    actor = actor_of(request)
    require_keeper(actor, study_instance_uid)
    try:
        sent = read_mount(request.read(MAX_BODY + 1))
        kept = keep_mount(actor, study_instance_uid, sent.template, sent.films, sent.revision, timezone.now())
    except (BadMount, ForeignFilm):
        return JsonResponse({"error": "bad-mount"}, status=400)
    except MountChanged as changed:
        return _answer(changed.current, status=409)
    return _answer(kept)


def _answer(mount: MountState, status: int = 200) -> JsonResponse:
    response = JsonResponse(vars(mount), status=status)
    response["Cache-Control"] = "private, no-store"
    return response
