# Runs in Django's shell of the stack: what the walk through every page needs, printed as JSON.
import datetime as dt
import json

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.actor import SYSTEM, Actor, ActorKind
from imaging.models import Study
from imaging.services.patients import invite_patient
from imaging.services.sharing import create_link
from tenants.models import Membership, Role, User
from tenants.scoping import tenant_scope
from tenants.selectors import find_tenant
from tenants.services.tenants import create_tenant

NOW = timezone.now()
BORN = dt.date(1982, 3, 17)


def session_of(user):
    """A session in which the person has passed both factors."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[DEVICE_ID_SESSION_KEY] = TOTPDevice.objects.get(user=user).persistent_id
    session.create()
    return session.session_key


def session_of_guest(*grants):
    """A session of a browser that redeemed links."""
    session = SessionStore()
    session["grants"] = list(grants)
    session.create()
    return session.session_key


def grant(kind, subject_id, study):
    return {"kind": kind.value, "id": str(subject_id), "tenant": str(north.id), "study": study, "label": ""}


def olga():
    """Owns a practice that has just been opened; it has no Orthanc, for nothing is stored there."""
    found = User.objects.filter(email="olga@westside.example").first()
    if found is None:
        tenant = find_tenant("westside") or create_tenant(
            SYSTEM, slug="westside", name="Westside Spine", kind="orthopaedic", time_zone="America/Denver", now=NOW
        )
        found = User.objects.create_user("olga@westside.example", "Olga", None)
        TOTPDevice.objects.create(user=found, name="default", confirmed=True)
        Membership.objects.create(user=found, tenant=tenant, role=Role.OWNER)
    return found


north = find_tenant("northside")
people = {name: User.objects.get(email__startswith=f"{name}@") for name in ("alice", "bob", "nora", "vera")}
alice = Actor(ActorKind.USER, str(people["alice"].pk), people["alice"].email)
with tenant_scope(north.id):
    study = Study.objects.order_by("-instance_count", "study_instance_uid").first().study_instance_uid
    links = [
        create_link(
            alice, study, recipient_name="Dr Rita Rossi", recipient_email="rita@ortho.example", days=7,
            may_download=True, note="", now=NOW,
        )
        for _ in range(2)
    ]
    invited = [invite_patient(alice, study, email="pat@mail.example", birth_date=BORN, now=NOW) for _ in range(2)]
guest = session_of_guest(
    grant(ActorKind.SHARE, links[0].link_id, study), grant(ActorKind.PATIENT, invited[0].invitation_id, study)
)
print(
    json.dumps(
        {name: session_of(user) for name, user in (people | {"olga": olga()}).items()}
        | {
            "study": study,
            "guest": guest,
            "share": f"/s/open/{links[0].link_id}/",
            "share_open": f"/s/{links[1].secret}",
            "patient": f"/records/open/{invited[0].invitation_id}/",
            "patient_open": f"/records/{invited[1].secret}",
        }
    )
)
