"""Pictures, drawn with matplotlib where it is installed: a file a kind of picture."""
