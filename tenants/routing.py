"""Which connection does what: the owner's migrates, the app role's does everything else."""


class OwnerMigrates:
    """Only the table owner's connection runs migrations; the app role could not."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "owner"
