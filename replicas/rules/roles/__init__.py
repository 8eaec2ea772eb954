"""Rules about whether the rights of an execution role are enough for what its endpoint does."""
