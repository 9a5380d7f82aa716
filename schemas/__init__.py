"""The public contract: every topic, every record on it, every id."""
