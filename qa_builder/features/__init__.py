"""Sign features of clips: extracted, imported or simulated, kept in a memory-mapped store."""
