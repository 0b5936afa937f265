"""Routes of webhooks."""

urlpatterns: list = []
