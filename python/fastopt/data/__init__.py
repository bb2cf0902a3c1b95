"""Data: sets to try things on, how to split them, how to prepare them, and random changes of images."""

from fastopt.data.augment import *
