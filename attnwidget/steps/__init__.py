"""How one row of attention came about, in numbers: from a query to its head's output."""
