"""Routes of pictures: rendered images, thumbnails, and WADO-URI for old viewers."""

urlpatterns: list = []
