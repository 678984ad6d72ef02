"""Rules tried on what was: history in, and what would have fired, been told and cost out. Writes nothing."""
