"""Measures the budgets of the design, side by side in one run: `make bench`."""
