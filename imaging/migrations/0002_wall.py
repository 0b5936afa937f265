"""Row-level security on every imaging table, and references that cannot leave the tenant."""

from django.db import migrations

from tenants.scoping import composite_foreign_key, tenant_wall

TABLES = [
    "study", "series", "instance", "upload", "uploadsegment", "uploadedfile",
    "sharelink", "patientinvitation", "purgeorder", "tombstone", "accesstoken",
]  # fmt: skip
REFERENCES = [
    ("series", "study_id", "study"),
    ("instance", "series_id", "series"),
    ("uploadsegment", "upload_id", "upload"),
    ("uploadedfile", "upload_id", "upload"),
    ("sharelink", "study_id", "study"),
    ("patientinvitation", "study_id", "study"),
    ("purgeorder", "study_id", "study"),
]


class Migration(migrations.Migration):
    dependencies = [("imaging", "0001_initial")]
    operations = [
        *(tenant_wall(f"imaging_{table}") for table in TABLES),
        *(
            composite_foreign_key(f"imaging_{child}", column, f"imaging_{parent}")
            for child, column, parent in REFERENCES
        ),
    ]
