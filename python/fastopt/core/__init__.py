"""What all else stands on: checks of arguments, descriptions of objects, collections of arrays, this machine."""
