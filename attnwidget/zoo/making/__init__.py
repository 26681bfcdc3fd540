"""How the models of the zoo came about: what each learns from, its training and its scores."""
