"""The schema of the embedded shop's database, step by step."""
