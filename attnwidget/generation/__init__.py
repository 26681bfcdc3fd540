"""Generation: a model writes on, and every step of it is recorded."""
