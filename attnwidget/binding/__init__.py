"""How attention is caught: the user's own model, as it stands, on whatever kernel it runs."""
