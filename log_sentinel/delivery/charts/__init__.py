"""Pictures of the last hours against the usual, where the extra `charts` is installed."""
