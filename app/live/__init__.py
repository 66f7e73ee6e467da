"""A run that is steered while it goes on: what the keys ask for, and what the run says of itself."""
