"""The nouns that travel between the parts, one a module. Only `columns` imports polars."""
