"""Links, uploads, events, agreements and tokens as the API writes them, and the bodies it reads."""

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit.actions import Action, Outcome
from audit.actor import ActorKind
from audit.models import AuditEvent
from imaging.forms.api_fields import ONE_LINE, UID_PATTERN, CursorText, NumberedPageParameters, ProblemErrorSerializer
from imaging.models import AccessToken, Upload
from imaging.models import Outcome as Verdict
from imaging.selectors.tokens import scopes_of
from imaging.services.sharing import DEFAULT_DAYS, MAX_DAYS
from tenants.models import Role
from tenants.services.trail import TrailFilter

LINK_STATES = ("live", "locked", "expired", "revoked")
UPLOAD_STATES = ("receiving", "processing", "done")
AGREEMENT_STATES = ("in-force", "ends-soon", "not-yet", "expired", "drafted", "sent", "executed", "terminated")


class ProblemSerializer(serializers.Serializer):
    """Problem details (RFC 9457). `code` is the contract; `detail` may change its words."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    errors = ProblemErrorSerializer(many=True, required=False)


class ShareSerializer(serializers.Serializer):
    """A link by which someone without an account sees one study."""

    id = serializers.UUIDField(source="link.id")
    study_instance_uid = serializers.CharField(source="link.study.study_instance_uid")
    recipient_name = serializers.CharField(source="link.recipient_name")
    recipient_email = serializers.CharField(source="link.recipient_email")
    may_download = serializers.BooleanField(source="link.may_download")
    created_at = serializers.DateTimeField(source="link.created_at")
    expires_at = serializers.DateTimeField(source="link.expires_at")
    first_redeemed_at = serializers.DateTimeField(source="link.first_redeemed_at", allow_null=True)
    state = serializers.ChoiceField(LINK_STATES)


class SharePageSerializer(serializers.Serializer):
    """A page of links, newest first."""

    results = ShareSerializer(many=True, source="rows")
    next_cursor = CursorText("next")


class NewShareSerializer(serializers.Serializer):
    """Whom a study is shared with, for how long, and whether they may take the files."""

    recipient_name = serializers.RegexField(ONE_LINE, max_length=200)
    recipient_email = serializers.EmailField(max_length=254, help_text="A wrong address is a breach.")
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=DEFAULT_DAYS)
    may_download = serializers.BooleanField(default=False, help_text="Otherwise they can only look.")
    note = serializers.CharField(max_length=500, allow_blank=True, default="", help_text="For your own records.")
    send_mail = serializers.BooleanField(
        default=False, help_text="Send the link by e-mail. The code is never in the e-mail: tell it another way."
    )


class IssuedShareSerializer(serializers.Serializer):
    """A new link. Its address and its code are in this answer and nowhere else."""

    id = serializers.UUIDField()
    url = serializers.URLField()
    code = serializers.CharField(help_text="Six digits, to be told by another channel than the link.")


class NewCodeSerializer(serializers.Serializer):
    """A fresh code for a link, in this answer and nowhere else."""

    id = serializers.UUIDField()
    code = serializers.CharField()


class UploadSerializer(serializers.Serializer):
    """An upload of the token's member (tus 1.0)."""

    id = serializers.UUIDField()
    batch = serializers.UUIDField()
    kind = serializers.ChoiceField(Upload.Kind.choices)
    filename = serializers.CharField()
    length = serializers.IntegerField(help_text="Bytes it will have.")
    offset = serializers.IntegerField(help_text="Bytes that have come.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    state = serializers.SerializerMethodField()
    location = serializers.SerializerMethodField(help_text="Where tus goes on with it.")

    @extend_schema_field(serializers.ChoiceField(UPLOAD_STATES))
    def get_state(self, upload: Upload) -> str:
        if upload.completed_at:
            return "done"
        return "processing" if upload.offset == upload.length else "receiving"

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_location(self, upload: Upload) -> str:
        return settings.ORIGIN + reverse("upload_resource", args=[self.context["slug"], upload.id])


class UploadPageSerializer(serializers.Serializer):
    """A page of uploads, newest first. New ones are made by tus at `creation_url`, or by STOW-RS at `store_url`."""

    results = UploadSerializer(many=True, source="rows")
    next_cursor = CursorText("next")
    creation_url = serializers.SerializerMethodField()
    store_url = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_creation_url(self, page: object) -> str:
        return settings.ORIGIN + reverse("uploads", args=[self.context["slug"]])

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_store_url(self, page: object) -> str:
        return settings.ORIGIN + reverse("stow", args=[self.context["slug"]])


class UploadedFileSerializer(serializers.Serializer):
    """What became of one file, and why."""

    name = serializers.CharField()
    size = serializers.IntegerField()
    outcome = serializers.ChoiceField(Verdict.choices)
    reason = serializers.CharField()
    message = serializers.CharField()
    study_instance_uid = serializers.CharField()


class UploadedFilePageSerializer(serializers.Serializer):
    """A page of an upload's files, in its order."""

    results = UploadedFileSerializer(many=True, source="rows")
    next_cursor = CursorText("next")


class EventSerializer(serializers.Serializer):
    """One event of the trail. `digest` (SHA-256, hex) covers it and the event before."""

    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.ChoiceField(Action.choices)
    outcome = serializers.ChoiceField(Outcome.choices)
    actor_kind = serializers.ChoiceField(ActorKind.choices)
    actor_id = serializers.CharField()
    actor_label = serializers.CharField()
    address = serializers.CharField()
    user_agent = serializers.CharField()
    study_instance_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    subject_id = serializers.CharField()
    details = serializers.DictField()
    digest = serializers.SerializerMethodField()

    def get_digest(self, event: AuditEvent) -> str:
        return bytes(event.digest).hex()


class EventPageSerializer(serializers.Serializer):
    """A page of events, newest first."""

    results = EventSerializer(many=True, source="rows")
    next_cursor = CursorText("next")


class TrailParameters(NumberedPageParameters):
    """Which events are asked for."""

    action = serializers.ChoiceField(Action.choices, required=False)
    outcome = serializers.ChoiceField(Outcome.choices, required=False)
    actor = serializers.CharField(required=False, max_length=254, help_text="Part of who did it.")
    study_instance_uid = serializers.RegexField(UID_PATTERN, required=False)
    since = serializers.DateTimeField(required=False, help_text="From this moment on.")
    until = serializers.DateTimeField(required=False, help_text="Before this moment.")

    def wanted(self) -> TrailFilter:
        """The filter; only after validation."""
        given = dict(self.validated_data)
        return TrailFilter(**{name: given[name] for name in TrailFilter.__dataclass_fields__ if name in given})


class AgreementSerializer(serializers.Serializer):
    """A business associate agreement of the practice."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(AGREEMENT_STATES)
    status = serializers.CharField()
    effective_on = serializers.DateField()
    expires_on = serializers.DateField()
    practice_signer = serializers.CharField()
    vendor_signer = serializers.CharField()


class AgreementsSerializer(serializers.Serializer):
    """The practice's agreements, newest first, and whether one is in force: without it no image enters or leaves."""

    in_force = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why none is; empty when one is.")
    results = AgreementSerializer(many=True)


class TokenSerializer(serializers.Serializer):
    """The token that asks, and what it may now: its scopes as far as its member's role goes."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    practice = serializers.CharField(source="tenant.name")
    slug = serializers.CharField(source="tenant.slug")
    member = serializers.CharField(source="actor.label")
    role = serializers.ChoiceField(Role.choices)
    scopes = serializers.SerializerMethodField(help_text="What it was given.")
    may = serializers.SerializerMethodField(help_text="What it may with its member's role of today.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    dicomweb_url = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(AccessToken.Scope.choices)))
    def get_scopes(self, token: object) -> list[str]:
        return sorted(token.scopes)

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(AccessToken.Scope.choices)))
    def get_may(self, token: object) -> list[str]:
        return sorted(token.scopes & set(scopes_of(token.role)))

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_dicomweb_url(self, token: object) -> str:
        return settings.ORIGIN + reverse("stow", args=[token.tenant.slug]).removesuffix("/studies")
