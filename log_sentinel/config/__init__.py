"""Reads settings, merges their layers, resolves secrets, names every mistake. Knows no part by name."""
