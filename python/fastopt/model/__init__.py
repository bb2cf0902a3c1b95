"""The model: what it is for a shape, how it is trained, and what is told of it."""
