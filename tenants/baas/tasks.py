"""Background work about agreements."""

from celery import shared_task
from django.utils import timezone

from tenants.baas import services


@shared_task(name="baas.remind_of_agreements", time_limit=300, soft_time_limit=270)
def remind_of_agreements() -> None:
    """Remind of agreements that end soon."""
    services.remind_of_agreements(timezone.localdate(), timezone.now())
