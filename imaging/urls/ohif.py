"""Routes of the OHIF viewer, for desktops."""

urlpatterns: list = []
