"""What is done to data before training: scaling, one-hot targets, and the split into training, dev and test sets."""

from fastopt.data.bins import *
from fastopt.data.preprocessing import *
