"""The Celery application."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("collimate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_routes = ("imaging.pipeline.route_step",)
app.autodiscover_tasks()
