"""qbslt: questions, datasets, scores and baselines for question-based sign language translation."""

__version__ = "0.1.0"
