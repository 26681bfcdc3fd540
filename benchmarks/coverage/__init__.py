"""The coverage sweep: every model type of the installed transformers, tiny, under capture."""
