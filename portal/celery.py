"""The Celery application."""

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("collimate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_routes = ("imaging.pipeline.route_step",)
app.autodiscover_tasks()


@setup_logging.connect
def keep_redaction(**_: object) -> None:
    """Log as the web does: Celery would set up handlers of its own, which redact nothing."""
    logging.config.dictConfig(settings.LOGGING)
