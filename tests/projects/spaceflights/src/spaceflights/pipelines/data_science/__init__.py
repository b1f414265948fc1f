"""From the table to a model of prices, and how good it is."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
