"""What a model is composed of: matrices, mixers of tokens, feed-forward blocks, layers and towers, with their sizes."""
