"""Simulated operators: controllers that play a case through the same Commands as a person."""

from trainer.procedure.operators.make import OPERATORS, make_operator

__all__ = ["OPERATORS", "make_operator"]
