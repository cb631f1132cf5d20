"""From a folder of submissions to a static site: checked, scored again, ranked, and shown."""
