"""Speed of one copy: kernels on a card, times of an engine's steps, and bounds of the load that it carries. Pure."""
