"""From raw files to one table."""

from .pipeline import create_pipeline

__all__ = ["create_pipeline"]
