"""One message model for all channels: what an alert says, before anybody decides how it looks."""
