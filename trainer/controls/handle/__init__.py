"""The serial handle: its protocol, its port, its calibration, and the controller that reads it."""
