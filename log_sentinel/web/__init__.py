"""What the daemon answers over HTTP: health, metrics, dashboard."""
