"""Parts of a model with their sizes: matrices, attention and recurrence, feed-forward blocks, layers and towers."""
