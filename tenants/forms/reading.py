"""Forms of how people read: their language and their clock, and a practice's."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from tenants.readers import list_zones


class ReadingForm(forms.Form):
    """A person's own choices; none means as the browser asks, and as the practice's clock says."""

    language = forms.ChoiceField(label=_("Language"), required=False)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), required=False, help_text=_("Times are shown in it. Dates of studies never shift.")
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["language"].choices = [("", _("As my browser asks")), *settings.LANGUAGES]
        self.fields["time_zone"].choices = [("", _("The practice’s")), *list_zones()]


class PracticeSettingsForm(forms.Form):
    """A practice's clock, and the language it writes to people in of whom it knows no other."""

    language = forms.ChoiceField(
        label=_("Language of mails"),
        choices=settings.LANGUAGES,
        help_text=_("For patients and other offices. People with an account are written to in their own."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("Times are shown in it to everyone who has not chosen another.")
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["time_zone"].choices = list_zones()
