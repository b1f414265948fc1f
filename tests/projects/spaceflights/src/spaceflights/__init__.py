"""Predicts the price of a shuttle flight."""
