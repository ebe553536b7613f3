"""A trainer for transarterial tumor therapy. For training, not for treatment."""

__version__ = "0.1.0"
