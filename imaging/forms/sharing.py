"""Forms of share links and patients' invitations."""

from django import forms

from imaging.services.sharing import DEFAULT_DAYS, MAX_DAYS


class ShareForm(forms.Form):
    """Whom a study is shared with, for how long, and whether they may take the files."""

    recipient_name = forms.CharField(label="Recipient's name", max_length=200)
    recipient_email = forms.EmailField(label="Recipient's e-mail")
    days = forms.IntegerField(label="Works for (days)", min_value=1, max_value=MAX_DAYS, initial=DEFAULT_DAYS)
    may_download = forms.BooleanField(
        label="May download the original files", required=False, help_text="Otherwise they can only look."
    )
    note = forms.CharField(
        label="Note for your own records", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    send_mail = forms.BooleanField(
        label="Send the link by e-mail", required=False, initial=True, help_text="The code is never in the e-mail."
    )


class CodeForm(forms.Form):
    """The code that the recipient was told by another channel."""

    code = forms.CharField(
        label="Code", max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input input--code"}),
    )  # fmt: skip


class PatientForm(forms.Form):
    """Where the patient's link goes. The birth date is asked for only when the study holds none."""

    email = forms.EmailField(label="Patient's e-mail", help_text="Read it back to the patient: a wrong address is a breach.")
    birth_date = forms.DateField(
        label="Date of birth, as checked at the desk", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    send_mail = forms.BooleanField(label="Send the link by e-mail", required=False, initial=True)


class ProofForm(forms.Form):
    """What only the patient knows: the birth date and the code from the desk."""

    birth_date = forms.DateField(
        label="Your date of birth", widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"})
    )
    code = forms.CharField(
        label="Code from the desk", max_length=12,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input input--code"}),
    )  # fmt: skip
