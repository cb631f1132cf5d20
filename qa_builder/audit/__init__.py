"""Checks of datasets and question sets."""
