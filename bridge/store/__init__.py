"""The bridge's own database: its tables and all queries on them."""
