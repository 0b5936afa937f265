"""The database backend: Django's for PostgreSQL, asking less."""
