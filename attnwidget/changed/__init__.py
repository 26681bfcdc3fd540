"""A model with one thing changed, as long as a ``with`` block lasts."""
