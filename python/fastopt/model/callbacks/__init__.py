"""Functions of one's own that `Sequential.fit` calls as it goes."""
