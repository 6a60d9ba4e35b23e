"""The schema of the bridge's database, step by step."""
