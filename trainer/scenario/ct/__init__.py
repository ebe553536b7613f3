"""A user's own CT becomes a body file: reading NIfTI and DICOM, turning to the patient's axes, resampling."""
