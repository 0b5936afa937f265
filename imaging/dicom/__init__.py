"""DICOM without Django and without network: the gate, the index attributes, DICOM JSON, multipart."""
