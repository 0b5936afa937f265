"""From a request to the actor that every service takes."""

from django.http import HttpRequest

from audit.actor import Actor, ActorKind


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in member of staff, or an anonymous actor with the caller's address."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Actor(ActorKind.USER, str(user.pk), user.email, **origin_of(request))
    return Actor(ActorKind.ANONYMOUS, **origin_of(request))


def origin_of(request: HttpRequest) -> dict[str, str]:
    """Where a request comes from: `address` and `user_agent` of an actor."""
    return {
        "address": request.META.get("REMOTE_ADDR", ""),
        "user_agent": request.headers.get("User-Agent", "")[:200],
    }
