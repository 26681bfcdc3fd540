"""More than the pattern: attention weights times what else counts, read where a call is read."""
