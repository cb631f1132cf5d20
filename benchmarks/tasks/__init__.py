"""What is scored: one YAML file a task."""
