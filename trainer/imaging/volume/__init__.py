"""A body as voxels: the patient's own CT in the place of the built-in body."""
