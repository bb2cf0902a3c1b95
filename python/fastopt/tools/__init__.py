"""What is done with a model from outside: files, tables, pictures, checks."""
