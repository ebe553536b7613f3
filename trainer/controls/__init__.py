"""Hands of the operator: everything that turns a key, stick or handle into Commands."""
