"""Lets ``python -m fastopt`` do what the command ``fastopt`` does."""

import sys

from fastopt.cli import main

if __name__ == "__main__":
    sys.exit(main())
