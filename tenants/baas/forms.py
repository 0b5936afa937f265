"""Forms of the vendor's pages."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

USUAL_ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Honolulu", "UTC",
)  # fmt: skip


class AgreementForm(forms.Form):
    """A new draft: with whom, from when to when."""

    tenant = forms.ModelChoiceField(
        Tenant.objects.order_by("name"), label=_("Practice"), empty_label=_("Choose a practice")
    )
    effective_on = forms.DateField(label=_("In force from"), widget=forms.DateInput(attrs={"type": "date"}))
    expires_on = forms.DateField(label=_("Last day"), widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, object]:
        begins, ends = self.cleaned_data.get("effective_on"), self.cleaned_data.get("expires_on")
        if begins and ends and ends <= begins:
            self.add_error("expires_on", _("An agreement ends after it begins."))
        return self.cleaned_data


class SignersForm(forms.Form):
    """Who signed for each side."""

    practice_signer = forms.CharField(label=_("Signed for the practice by"), max_length=200)
    vendor_signer = forms.CharField(label=_("Signed for Collimate by"), max_length=200)


class PracticeForm(forms.Form):
    """A new practice and its first owner."""

    name = forms.CharField(label=_("Practice"), max_length=200)
    slug = forms.SlugField(
        label=_("Short name in addresses"),
        max_length=40,
        help_text=_("Lower-case letters, digits and hyphens; never changes."),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=Tenant.Kind.choices)
    language = forms.ChoiceField(label=_("Language of mails"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=[(zone, zone.replace("_", " ")) for zone in USUAL_ZONES]
    )
    owner_name = forms.CharField(label=_("First owner's name"), max_length=200)
    owner_email = forms.EmailField(label=_("First owner's e-mail"), max_length=254)

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"].lower()
        if Tenant.objects.filter(slug=slug).exists():
            raise ValidationError(_("Another practice has this short name."))
        return slug
