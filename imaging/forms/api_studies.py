"""Studies as the API writes them: DICOM's attributes by their keywords in snake case (PS3.6)."""

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from imaging.forms.api_fields import STUDY_CURSOR, CursorText, LimitField
from imaging.models import PurgeOrder, PurgeStatus, Series, Study
from imaging.selectors.states import Step
from imaging.selectors.worklist import Position, WorklistFilter

STEPS = ("done", "doing", "waiting", "failed")
_NEXT = {
    PurgeStatus.MARKED: "Nobody has asked for its purge.",
    PurgeStatus.REQUESTED: "An owner other than the one who asked must approve.",
    PurgeStatus.APPROVED: "It is purged when the grace period is over.",
}


class StudyParameters(serializers.Serializer):
    """What a list of studies may be narrowed by without a name in the address."""

    modality = serializers.RegexField(
        r"^[A-Z0-9]{1,16}$",
        required=False,
        default="",
        allow_blank=True,
        help_text="As CT, MR, PX (PS3.3 §C.7.3.1.1.1).",
    )
    study_date_from = serializers.DateField(required=False, default=None, help_text="The first day.")
    study_date_to = serializers.DateField(required=False, default=None, help_text="The last day.")
    cursor = serializers.RegexField(
        STUDY_CURSOR, required=False, default="", help_text="`next_cursor` or `previous_cursor` of another page."
    )
    limit = LimitField()

    def filter(self) -> WorklistFilter:
        """What was asked for; only after validation."""
        given = self.validated_data
        return WorklistFilter(
            words=given.get("words", ""),
            modality=given["modality"],
            date_from=given["study_date_from"],
            date_to=given["study_date_to"],
        )

    def position(self) -> Position | None:
        """Where the page begins; only after validation."""
        direction, _, study_id = self.validated_data["cursor"].partition("-")
        return Position(UUID(study_id), backwards=direction == "before") if study_id else None


class StudySearchSerializer(StudyParameters):
    """A search that may name a patient, and so comes in a body."""

    words = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=200,
        help_text="Each must begin a word of the patient's or the referring physician's name, an ID, the accession "
        "number, the description or a modality, or be a day, month or year of birth or study, in any usual spelling.",
    )  # fmt: skip


class StepSerializer(serializers.Serializer):
    """How far one step is. `detail` counts images and is empty when done."""

    state = serializers.ChoiceField(STEPS)
    detail = serializers.CharField(source="text", allow_blank=True)

    def to_representation(self, instance: Step) -> dict[str, str]:
        return {"state": instance.state, "detail": instance.text}


class StateSerializer(serializers.Serializer):
    """How far a study has come; `refused` counts images that the PACS does not take and the vault has all the same."""

    received = StepSerializer()
    in_pacs = StepSerializer()
    sealed = StepSerializer()
    mirrored = StepSerializer()
    refused = serializers.IntegerField()


@extend_schema_field({"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"})
class LocalTimeField(serializers.TimeField):
    """A time of day where the images were made. Unlike JSON Schema's `time` it knows no zone (PS3.5 §6.2, TM)."""


class StudySerializer(serializers.Serializer):
    """A study: the attributes of its first instance, and how far it has come."""

    study_instance_uid = serializers.CharField(source="study.study_instance_uid")
    study_date = serializers.DateField(source="study.study_date", allow_null=True)
    study_time = LocalTimeField(source="study.study_time", allow_null=True)
    study_description = serializers.CharField(source="study.study_description")
    study_id = serializers.CharField(source="study.study_id")
    accession_number = serializers.CharField(source="study.accession_number")
    modalities_in_study = serializers.SerializerMethodField()
    patient_id = serializers.CharField(source="study.patient_id")
    issuer_of_patient_id = serializers.CharField(source="study.issuer_of_patient_id")
    patient_name = serializers.CharField(source="study.patient_name", help_text="PN, as sent (PS3.5 §6.2.1).")
    patient_birth_date = serializers.DateField(source="study.patient_birth_date", allow_null=True)
    patient_sex = serializers.CharField(source="study.patient_sex")
    referring_physician_name = serializers.CharField(source="study.referring_physician_name")
    institution_name = serializers.CharField(source="study.institution_name")
    number_of_study_related_series = serializers.IntegerField(source="study.series_count")
    number_of_study_related_instances = serializers.IntegerField(source="study.instance_count")
    size = serializers.IntegerField(source="study.size", help_text="Bytes of all Part 10 files.")
    received_at = serializers.DateTimeField(source="study.received_at")
    last_received_at = serializers.DateTimeField(source="study.last_received_at")
    held = serializers.SerializerMethodField(help_text="Whether a legal hold keeps it whatever its age.")
    state = StateSerializer()
    retrieve_url = serializers.SerializerMethodField(help_text="The study in DICOMweb (0008,1190).")

    def get_modalities_in_study(self, row: object) -> list[str]:
        return [name for name in row.study.modalities.split("\\") if name]

    def get_held(self, row: object) -> bool:
        return row.study.held_at is not None

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_retrieve_url(self, row: object) -> str:
        return retrieve_url(self.context["slug"], row.study)


class SeriesSerializer(serializers.Serializer):
    """A series of a study."""

    series_instance_uid = serializers.CharField()
    series_number = serializers.IntegerField(allow_null=True)
    modality = serializers.CharField()
    series_description = serializers.CharField()
    body_part_examined = serializers.CharField()
    laterality = serializers.CharField()
    number_of_series_related_instances = serializers.IntegerField(source="instance_count")
    size = serializers.IntegerField(help_text="Bytes of all Part 10 files.")
    retrieve_url = serializers.SerializerMethodField(help_text="The series in DICOMweb (0008,1190).")

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_retrieve_url(self, series: Series) -> str:
        return f"{self.context['study_url']}/series/{series.series_instance_uid}"


class RetentionSerializer(serializers.Serializer):
    """How long a study is kept by the practice's policy of today."""

    ends_on = serializers.DateField(help_text="The first day on which it may be purged.")
    held_at = serializers.DateTimeField(allow_null=True)
    purge_status = serializers.ChoiceField(PurgeStatus.choices, source="status", allow_blank=True)


class StudyDetailSerializer(StudySerializer):
    """A study with its series and its retention."""

    retention = RetentionSerializer()
    series = SeriesSerializer(many=True)


class StudyPageSerializer(serializers.Serializer):
    """A page of studies, latest first."""

    results = StudySerializer(many=True, source="rows")
    next_cursor = CursorText("next")
    previous_cursor = CursorText("previous")
    partial = serializers.BooleanField(help_text="Whether the search stopped before it had looked at every study.")


class PurgeOrderSerializer(serializers.Serializer):
    """Where the purge of a study stands. Nothing is removed before two people agreed and the grace period is over."""

    status = serializers.ChoiceField(PurgeStatus.choices)
    reason = serializers.SerializerMethodField(help_text="What comes next, in words.")
    retention_ended_on = serializers.DateField()
    grace_ends_at = serializers.DateTimeField()
    requested_at = serializers.DateTimeField(allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)

    def get_reason(self, order: PurgeOrder) -> str:
        return _NEXT[PurgeStatus(order.status)]


def retrieve_url(slug: str, study: Study) -> str:
    """The study's address in DICOMweb."""
    return settings.ORIGIN + reverse("stow", args=[slug, study.study_instance_uid])
