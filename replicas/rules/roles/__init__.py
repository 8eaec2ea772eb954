"""Rules about missing rights of execution roles."""
