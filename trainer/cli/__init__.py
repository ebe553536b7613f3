"""The command line, where all layers come together."""

from trainer.cli.main import main

__all__ = ["main"]
