"""Forms of the audit page."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from audit.actions import Action, Outcome
from tenants.models import Tenant
from tenants.services.trail import TrailFilter


class TrailFilterForm(forms.Form):
    """Which events to show; dates are days in the practice's own time zone."""

    action = forms.ChoiceField(required=False, choices=[("", _("Any")), *Action.choices], label=_("What"))
    actor = forms.CharField(required=False, max_length=254, label=_("Who"))
    outcome = forms.ChoiceField(required=False, label=_("Outcome"), choices=[("", _("Any")), *Outcome.choices])
    since = forms.DateField(required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))

    def wanted(self, tenant: Tenant, study_instance_uid: str) -> TrailFilter:
        """The filter; fields that make no sense are left out."""
        given = getattr(self, "cleaned_data", {})
        return TrailFilter(
            action=given.get("action", ""),
            actor=given.get("actor", ""),
            outcome=given.get("outcome", ""),
            since=_day_begins(given.get("since"), tenant),
            until=_day_begins(given.get("until") and given["until"] + timedelta(days=1), tenant),
            study_instance_uid=study_instance_uid,
        )


class StudyFilterForm(forms.Form):
    """One study's events. Sent by POST: a UID is an identifier and stays out of URLs' queries."""

    study_instance_uid = forms.RegexField(
        r"^[0-9]+(\.[0-9]+)*$", max_length=64, required=False, label=_("Study Instance UID")
    )


def _day_begins(day: date | None, tenant: Tenant) -> datetime | None:
    if not day:
        return None
    return datetime.combine(day, time.min, ZoneInfo(tenant.time_zone)).astimezone(UTC)
