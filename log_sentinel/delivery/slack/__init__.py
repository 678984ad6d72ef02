"""Slack: a bot that posts, threads and edits, or an incoming webhook that only posts."""
