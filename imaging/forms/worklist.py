"""The worklist's search, what is done with its rows, and how it looks."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from imaging.dicom.uid import InvalidUID, validate_uid
from imaging.models import Priority
from imaging.selectors.worklist import WorklistFilter, list_modalities
from imaging.selectors.worklist_settings import COLUMNS, DENSITIES, ORDERS
from imaging.services.triage import MOST_STUDIES

ACTIONS = ("read", "unread", "priority", "assign", "hold", "lift")


class WorklistForm(forms.Form):
    """Words, modality and days; posted, because a name in a URL ends up in logs and histories."""

    words = forms.CharField(
        label=_("Search"), required=False, max_length=200,
        widget=forms.TextInput(attrs={
            "type": "search", "placeholder": _("Name, ID, date, accession, description …"), "autocomplete": "off",
            "class": "phi", "spellcheck": "false",
        }),
    )  # fmt: skip
    modality = forms.ChoiceField(label=_("Modality"), required=False)
    date_from = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    date_to = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    today = forms.BooleanField(label=_("Today"), required=False)
    unread = forms.BooleanField(label=_("Unread"), required=False)
    mine = forms.BooleanField(label=_("Mine"), required=False)
    urgent = forms.BooleanField(label=_("Urgent"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["modality"].choices = [("", _("All")), *((name, name) for name in list_modalities())]

    @property
    def chips(self) -> list[forms.BoundField]:
        """The filters that are on or off."""
        return [self[name] for name in ("today", "unread", "mine", "urgent")]

    def filter(self) -> WorklistFilter:
        """What was asked for; only on a valid form."""
        return WorklistFilter(**self.cleaned_data)

    def kept(self) -> dict[str, str]:
        """The form's values, as they are kept in the session and in saved filters."""
        return {name: str(self.data[name]) for name in self.base_fields if self.data.get(name)}


class StudiesForm(forms.Form):
    """Which studies something is to be done with."""

    most = MOST_STUDIES

    def __init__(self, data: Mapping[str, str] | None = None, **options: object) -> None:
        super().__init__(data, **options)
        self.uids = list(dict.fromkeys(data.getlist("studies"))) if data else []

    def clean(self) -> dict[str, object]:
        if not 1 <= len(self.uids) <= self.most:
            raise forms.ValidationError(_("Choose between one and %(most)s studies."), params={"most": self.most})
        try:
            self.uids = [validate_uid(uid) for uid in self.uids]
        except InvalidUID:
            raise forms.ValidationError(_("That is no study.")) from None
        return super().clean()


class SharedStudiesForm(StudiesForm):
    """Studies that get a link each, whose code has a digest that is slow on purpose."""

    most = 20


class MarkForm(StudiesForm):
    """What is noted about the studies."""

    action = forms.ChoiceField(choices=[(each, each) for each in ACTIONS])
    priority = forms.ChoiceField(choices=Priority.choices, required=False)
    user = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)  # nobody when empty
    reason = forms.CharField(required=False, max_length=500)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("action") == "priority" and not cleaned.get("priority"):
            self.add_error("priority", _("Choose a priority."))
        return cleaned


class SettingsForm(forms.Form):
    """How the list looks."""

    columns = forms.MultipleChoiceField(choices=[(each, each) for each in COLUMNS], required=False)
    density = forms.ChoiceField(choices=[(each, each) for each in DENSITIES])
    order = forms.ChoiceField(choices=[(each, each) for each in ORDERS])


class FilterForm(forms.Form):
    """The name of a search to be saved."""

    name = forms.CharField(label=_("Name"), max_length=60)
    shared = forms.BooleanField(label=_("For everyone in the practice"), required=False)
    pinned = forms.BooleanField(label=_("Show as a tab"), required=False)
