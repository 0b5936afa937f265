"""Routes of bearer tokens."""

urlpatterns: list = []
