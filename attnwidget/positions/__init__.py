"""Positions: where a model keeps what it knows of them, told by names and by numbers."""
