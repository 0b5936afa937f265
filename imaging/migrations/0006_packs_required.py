"""Every instance lies in a pack."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imaging", "0005_wall_of_vault_objects")]
    operations = [
        migrations.AlterField(
            model_name="instance",
            name="pack",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="members",
                to="imaging.vaultobject",
            ),
        ),
        migrations.AlterField(model_name="instance", name="pack_offset", field=models.PositiveBigIntegerField()),
    ]
