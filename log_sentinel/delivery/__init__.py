"""Telling people. In: happenings in the outbox. Out: messages in Slack, mail, webhooks, the console."""
