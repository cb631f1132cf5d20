"""Metrics from sufficient statistics: one row a segment, scores of any sum of rows."""
