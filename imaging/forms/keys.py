"""Forms of the key inventory."""

from django import forms
from django.utils.translation import gettext_lazy as _


class DestructionForm(forms.Form):
    """Why a practice's images should become unreadable for good."""

    reason = forms.CharField(
        max_length=300,
        min_length=10,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("In a sentence. Stands on the certificate for good; names no patient."),
    )
    slug = forms.CharField(label=_("Short name of the practice, to confirm"), max_length=40)

    def __init__(self, *args: object, expected_slug: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._expected_slug = expected_slug

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].strip()
        if slug != self._expected_slug:
            raise forms.ValidationError(_("Type {slug}.").format(slug=self._expected_slug))
        return slug
