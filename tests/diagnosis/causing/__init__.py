"""Real servers that are made to deny in every way they can, and a journal of what each request was denied for."""
