"""Breaks log-sentinel from outside while it reads, then counts: was a line lost, or stored twice?"""
