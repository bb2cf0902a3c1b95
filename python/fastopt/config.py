"""What this installation runs on: versions, instruction set, threads and why that many."""

from fastopt.core.config import *
