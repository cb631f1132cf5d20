"""Scores and boards from datasets and predictions."""
