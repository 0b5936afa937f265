"""Routes of webhooks."""

from django.urls import path

from imaging.views import webhooks

_ALL = "t/<slug:slug>/connections/webhooks/"
_ONE = f"{_ALL}<uuid:webhook_id>/"

urlpatterns = [
    path(_ALL, webhooks.show_webhooks, name="webhooks"),
    path(_ONE, webhooks.show_webhook, name="webhook"),
    path(f"{_ONE}secret", webhooks.show_secret, name="webhook_secret"),
    path(f"{_ONE}test", webhooks.send_test, name="webhook_test"),
    path(f"{_ONE}disable", webhooks.disable_webhook, name="webhook_disable"),
    path(f"{_ONE}enable", webhooks.enable_webhook, name="webhook_enable"),
    path(f"{_ONE}remove", webhooks.remove_webhook, name="webhook_remove"),
]
