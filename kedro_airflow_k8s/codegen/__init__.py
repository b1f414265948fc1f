"""Turns a `DagSpec` into the text of a self-contained Python file."""
