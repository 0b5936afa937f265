"""What readers draw and measure, as DICOM objects: written as SR, KOS and presentation states, and read back."""
