"""What a plan will carry: how long an engine takes for its steps, and which requests share them. Pure."""
