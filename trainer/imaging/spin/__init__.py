"""A spin of the C-arm: slices of the body with the contrast in it. Not reconstructed from pictures."""
