"""Forms of devices that send by DICOM over TLS."""

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from imaging.services.device_certificates import MOST_CERTIFICATE_BYTES

_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")  # PS3.5 §6.2: no backslash, no control character


class DeviceForm(forms.Form):
    """A device: what the practice calls it, what it calls itself, and how it proves it."""

    OWN, NEW = "own", "new"

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("As your staff call it: “Cone beam CT, room 2”.")
    )
    ae_title = forms.CharField(
        label=_("AE title of the device"), max_length=16, help_text=_("As it is set in the device. Case matters.")
    )
    proof = forms.ChoiceField(
        label=_("Certificate"),
        choices=[(OWN, _("The device has a certificate of its own")), (NEW, _("Create a certificate for me"))],
        initial=OWN,
        widget=forms.RadioSelect,
    )
    certificate_file = forms.FileField(label=_("Its certificate (PEM)"), required=False, max_length=100)
    certificate = forms.CharField(
        label=_("Or paste it"),
        required=False,
        max_length=MOST_CERTIFICATE_BYTES,
        widget=forms.Textarea(attrs={"rows": 4, "class": "input mono", "spellcheck": "false"}),
        help_text=_("The certificate alone. The private key stays in the device."),
    )

    def clean_ae_title(self) -> str:
        title: str = self.cleaned_data["ae_title"].strip()
        if not _AE_TITLE.fullmatch(title):
            raise forms.ValidationError(_("Up to 16 plain characters, without a backslash."))
        return title

    def clean(self) -> dict[str, object]:
        found: dict[str, object] = super().clean() or self.cleaned_data
        if found.get("proof") == self.OWN and not self.errors:
            file, text = found.get("certificate_file"), str(found.get("certificate") or "")
            if bool(file) == bool(text):
                raise forms.ValidationError(_("Give the certificate as a file or as text."))
            if file and file.size > MOST_CERTIFICATE_BYTES:
                raise forms.ValidationError(_("The file is too large to be a certificate."))
            found["pem"] = file.read() if file else text.encode()
        return found
