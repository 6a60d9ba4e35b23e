"""The bridge's own database: its tables, and the only queries on them."""
