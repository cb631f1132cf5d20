"""GPU baselines (to come; see docs/overview.md)."""
