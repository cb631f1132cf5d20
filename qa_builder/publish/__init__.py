"""Publishing datasets, and joining published ones with a local corpus."""
