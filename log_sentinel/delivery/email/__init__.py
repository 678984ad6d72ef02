"""Mail over SMTP: one conversation an incident, in text and HTML."""
