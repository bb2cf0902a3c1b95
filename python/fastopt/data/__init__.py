"""Data: sets to try things on, how to split them, and how to prepare them."""
