"""Notifications: the service asks itself the doctor's questions, and tells its owner when an answer changes."""
