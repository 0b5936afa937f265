"""Who may do what, as one table to read: a row per route, a set of roles per method.

A call is allowed when the actor has one of the roles in the practice that the address names, and what it names is
there for them. Everything else must be turned away, and so that what is another's looks like what is not there.
"""

from dataclasses import dataclass, field

# --- Roles ----------------------------------------------------------------------------------------------------
NOBODY: frozenset[str] = frozenset()
ANYONE = frozenset({"anyone"})
PEOPLE = frozenset({"person"})  # signed in, whatever their practice
VENDOR = frozenset({"vendor"})
OWNER = frozenset({"owner"})
STAFF = OWNER | {"uploader"}
MEMBERS = STAFF | {"viewer"}
SHARE, PATIENT = frozenset({"share"}), frozenset({"patient"})
# A bearer token has its scopes as roles.
READ, STORE, DELETE = frozenset({"read"}), frozenset({"store"}), frozenset({"delete"})
SHARING, AUDIT, AGREEMENTS, TOKEN = (
    frozenset({each}) for each in ("sharing", "audit", "agreements", "token")
)  # fmt: skip
# What is shown only to whoever made it: in the scene each practice's owner did.
MAKER = OWNER
TAKERS = MEMBERS | PATIENT | READ  # of original files: a share link may be for looking only, as Rita's is
READERS = TAKERS | SHARE

# --- What an address can name: in which practice it is, and whether it is there ----------------------------------
NORTH, SOUTH, NOWHERE = "northside", "southside", "nowhereee"
OBJECTS = {
    "own": (NORTH, True),  # the study that Rita's link and Pat's invitation are for
    "other patient": (NORTH, True),
    "held": (NORTH, True),
    "other tenant": (SOUTH, True),
    "deleted": (NORTH, False),  # purged, or removed
    "smuggled": (NORTH, False),  # another tenant's ids at this tenant's address
    "unknown": (NORTH, False),
    "unknown tenant": (NOWHERE, False),
}


@dataclass(frozen=True)
class Actor:
    """Someone who calls: their roles in one practice, and which of its things are theirs to see."""

    name: str
    roles: frozenset[str]
    tenant: str = ""
    only: frozenset[str] = frozenset()  # objects; none named: all of the practice
    sees: frozenset[str] = frozenset()  # canaries that their answers may hold


ALL_NORTH = frozenset({"north", "own", "other patient", "held"})
ACTORS = [
    Actor("anonymous", frozenset()),
    Actor("alice", OWNER | PEOPLE, NORTH, sees=ALL_NORTH),
    Actor("bob", frozenset({"uploader"}) | PEOPLE, NORTH, sees=ALL_NORTH),
    Actor("nora", frozenset({"viewer"}) | PEOPLE, NORTH, sees=ALL_NORTH),
    Actor("removed", PEOPLE),
    Actor("carol", OWNER | PEOPLE, SOUTH, sees=frozenset({"south", "other tenant"})),
    Actor("vera", VENDOR | PEOPLE),
    Actor("rita", SHARE, NORTH, only=frozenset({"own"}), sees=frozenset({"own"})),
    Actor("pat", PATIENT, NORTH, only=frozenset({"own"}), sees=frozenset({"own"})),
    Actor("token", READ | TOKEN, NORTH, sees=ALL_NORTH),
    # The eleventh: what a token with every scope can do, one without them must not.
    Actor("robot", READ | TOKEN | STORE | DELETE | SHARING | AUDIT | AGREEMENTS, NORTH, sees=ALL_NORTH),
]


@dataclass(frozen=True)
class Rule:
    """Roles by method; `across`: the rule holds for things of every practice, not only the actor's own.

    `absent` are methods that may answer 404 or 405 though allowed, as there is nothing for them in the scene; `blind`
    are methods that answer without looking at what the address names.
    """

    methods: dict[str, frozenset[str]] = field(default_factory=dict)
    across: bool = False
    absent: frozenset[str] = frozenset()
    blind: frozenset[str] = frozenset()


def rule(
    get: frozenset[str] = NOBODY, post: frozenset[str] = NOBODY, *, head: bool = True, across: bool = False,
    absent: str = "", blind: str = "", **others: frozenset[str],
) -> Rule:  # fmt: skip
    """HEAD goes with GET, unless told otherwise."""
    methods = {"get": get, "post": post, **({"head": get} if head else {}), **others}
    used = {name: roles for name, roles in methods.items() if roles}
    return Rule(used, across, frozenset(absent.split()), frozenset(blind.split()))


def _rules(names: str, each: Rule) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), each)


_ALL = "get head post put patch delete options"
_PUBLIC = rule(
    get=ANYONE, post=ANYONE, put=ANYONE, patch=ANYONE, delete=ANYONE, options=ANYONE, across=True, absent=_ALL,
    blind=_ALL,
)  # fmt: skip

RULES: dict[str, Rule] = {
    # --- Anyone: no tenant's rows ---
    **_rules("home healthz readyz metrics emergency login login_code logout reset_request reset_password", _PUBLIC),
    **_rules("reset_open join second_factor leave api_schema api_docs", _PUBLIC),
    # --- People signed in, about themselves ---
    **_rules("choose_tenant account", rule(get=PEOPLE, across=True)),
    **_rules("change_password change_reading new_recovery_codes begin_replacement", rule(post=PEOPLE, across=True)),
    "replace_second_factor": rule(get=PEOPLE, post=PEOPLE, across=True),
    # --- A practice's people and trail ---
    "practice_settings": rule(get=OWNER, post=OWNER),
    "hide_first_steps": rule(post=OWNER),
    "people": rule(get=OWNER, post=OWNER),
    **_rules("member_role member_remove invitation_resend invitation_revoke", rule(post=OWNER)),
    **_rules("audit audit_export", rule(get=OWNER)),
    **_rules("audit_study audit_check", rule(post=OWNER)),
    "tenant_agreement": rule(get=OWNER),
    # --- The vendor ---
    "vendor_agreements": rule(get=VENDOR, post=VENDOR, across=True),
    **_rules("agreement_send agreement_terminate", rule(post=VENDOR, across=True)),
    "agreement_execute": rule(post=VENDOR, across=True, blind="post"),  # an empty form is refused first
    "vendor_create_tenant": rule(get=VENDOR, post=VENDOR, across=True),
    "vendor_regions": rule(get=VENDOR, post=VENDOR, across=True),
    "failover_runbook": rule(get=VENDOR, across=True),
    **_rules("failover_approve failover_withdraw", rule(post=VENDOR, across=True)),
    **_rules("vendor_keys vendor_practice_keys key_certificate", rule(get=VENDOR, across=True)),
    **_rules(
        "key_rotate key_destruction_request key_destruction_withdraw",
        rule(post=VENDOR, across=True),
    ),
    "key_destruction_approve": rule(post=VENDOR, across=True, blind="post"),  # the practice is judged first
    # --- Mounts, printing and exporting ---
    "study_mount": rule(get=READERS),
    "study_mount_keep": rule(post=STAFF),
    "study_export": rule(post=TAKERS),
    # --- Taking in ---
    "upload": rule(get=STAFF, head=False),
    "uploads": rule(post=STAFF, options=STAFF),
    "upload_resource": rule(head=False, patch=MAKER, delete=MAKER, options=STAFF, blind="options"),
    **_rules("upload_result upload_batch", rule(get=MAKER, head=False, absent="get")),
    # --- Looking, by people ---
    "worklist": rule(get=MEMBERS, post=MEMBERS),
    **_rules("worklist_rows worklist_settings worklist_filters", rule(post=MEMBERS)),
    "worklist_marks": rule(post=MEMBERS),
    "worklist_shares": rule(post=STAFF),
    "worklist_filter_remove": rule(post=MAKER),
    **_rules("patient_studies series_strip", rule(get=MEMBERS)),
    **_rules("study study_state study_viewer study_priors study_download ohif ohif_config", rule(get=MEMBERS)),
    "study_history": rule(get=STAFF),
    # --- DICOMweb ---
    "stow": rule(get=TAKERS, post=STAFF | STORE, delete=STAFF | DELETE),
    "stow:practice": rule(get=READERS, post=STAFF | STORE),
    **_rules("qido_all_series qido_all_instances", rule(get=READERS)),
    **_rules("qido_series qido_study_instances qido_series_instances", rule(get=READERS)),
    **_rules("wado_study_metadata wado_series_metadata wado_instance_metadata", rule(get=READERS)),
    **_rules("wado_instance wado_series", rule(get=TAKERS)),
    **_rules("wado_frames wado_bulk_data wado_thumbnail", rule(get=READERS)),
    **_rules("rendered_study rendered_series rendered_instance rendered_frames", rule(get=READERS)),
    **_rules("thumbnail_study thumbnail_instance thumbnail_frame wado_uri", rule(get=READERS)),
    "study_marks": rule(get=READERS, post=STAFF | STORE),
    "dicomweb_capabilities": rule(get=MEMBERS | READ, options=MEMBERS | READ),
    # --- Sharing ---
    **_rules("share_create patient_invite", rule(get=STAFF, post=STAFF)),
    **_rules("share_revoke share_unlock patient_revoke", rule(post=STAFF)),
    **_rules("share share_viewer", rule(get=SHARE)),
    **_rules("patient patient_viewer", rule(get=PATIENT)),
    "share_download": rule(),  # Rita may only look
    "patient_download": rule(get=PATIENT, head=False),
    **_rules("share_open patient_open", rule(get=ANYONE, post=ANYONE, across=True)),
    # --- Keeping and letting go ---
    "retention": rule(get=STAFF, post=OWNER, head=False),
    **_rules("hold_place hold_lift purge_approve", rule(post=OWNER)),
    **_rules("purge_request purge_reject", rule(post=STAFF)),
    **_rules("protection drill_report region_missing", rule(get=MEMBERS)),
    **_rules("protection_acknowledgement protection_resume", rule(post=OWNER)),
    # --- Connections ---
    "tokens": rule(get=MEMBERS, post=MEMBERS),
    "token_revoke": rule(post=MAKER),
    "webhooks": rule(get=OWNER, post=OWNER),
    "webhook": rule(get=OWNER),
    **_rules("webhook_secret webhook_test webhook_disable webhook_enable webhook_remove", rule(post=OWNER)),
    "devices": rule(get=OWNER, post=OWNER),
    "device_revoke": rule(post=OWNER),
    "device_server_certificate": rule(get=OWNER, absent="get head"),
    # --- REST API ---
    "api_token": rule(get=TOKEN, across=True),
    "api_studies": rule(get=READ),
    "api_study_search": rule(post=READ),
    "api_study": rule(get=READ, delete=DELETE),
    "api_study_history": rule(get=AUDIT),
    "api_study_shares": rule(get=SHARING, post=SHARING),
    "api_shares": rule(get=SHARING),
    "api_share": rule(get=SHARING),
    **_rules("api_share_revoke api_share_unlock", rule(post=SHARING)),
    **_rules("api_uploads api_upload api_upload_files", rule(get=STORE)),
    "api_audit": rule(get=AUDIT),
    "api_agreements": rule(get=AGREEMENTS),
    "api_nowhere": rule(),
}  # fmt: skip


def key_of(name: str, *, names_thing: bool) -> str:
    """The row of RULES for a route; one name may stand for the practice's list and for one of its things."""
    practice = f"{name}:practice"
    return practice if practice in RULES and not names_thing else name


def may(actor: Actor, key: str, method: str, on: str, *, names_thing: bool, names_practice: bool) -> bool:
    """Whether the actor may call the route of that row by the method on the object `on`.

    Parameters
    ----------
    names_thing, names_practice
        Whether the address names something of a practice, and the practice itself; one that names neither asks about
        the actor's own.
    """
    found = RULES[key]
    tenant, is_there = OBJECTS[on]
    is_blind = method in found.blind
    if not found.methods.get(method, NOBODY) & (actor.roles | ANYONE):
        return False
    if names_thing and not (is_there or is_blind):
        return False
    if found.across:
        return not names_practice or tenant != NOWHERE
    if not (names_thing or names_practice):
        return True
    return tenant == actor.tenant and (not actor.only or not names_thing or on in actor.only)


def is_theirs(actor: Actor, on: str) -> bool:
    """Whether the object is there and the actor may know so, whatever they may do with it."""
    tenant, is_there = OBJECTS[on]
    return is_there and tenant == actor.tenant and (not actor.only or on in actor.only)


def reaches(actor: Actor, key: str) -> bool:
    """Whether the actor calls this route at all: the eleventh only where its scopes say more than `read`."""
    more = actor.roles - READ - TOKEN
    return actor.name != "robot" or any(roles & more for roles in RULES[key].methods.values())
