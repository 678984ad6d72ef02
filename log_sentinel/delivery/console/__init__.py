"""Alerts on standard output, for a first look."""
