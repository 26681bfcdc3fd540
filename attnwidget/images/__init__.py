"""Images: reading them for the screen, and where in them a model's tokens lie."""
