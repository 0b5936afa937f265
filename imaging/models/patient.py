"""A patient's way to their own study."""

from django.conf import settings
from django.db import models

from imaging.models.study import Study
from tenants.scoping import TenantModel


class PatientInvitation(TenantModel):
    """The practice lets the patient of one study see and download it (45 CFR 164.524).

    The patient proves who they are with the birth date in the study and a code from the desk.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="patient_invitations", db_constraint=False)
    digest = models.BinaryField(max_length=32, unique=True)
    code_hash = models.CharField(max_length=200)
    birth_date = models.DateField()  # of the study, or as checked at the desk when the study holds none
    email = models.EmailField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    failed_tries = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    first_verified_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="imaging_patientinvitation_expires"
            ),
        ]
