"""Several models on shared instances at the lowest price."""
