"""What teaches: widgets of their own for one idea each."""
