"""Routes of devices that send by DICOM over TLS."""

urlpatterns: list = []
