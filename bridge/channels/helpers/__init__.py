"""What several channels need alike, written once."""
