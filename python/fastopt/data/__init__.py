"""Data: tables as numbers, sets to try things on, how to split and prepare them, and random changes of images."""

from fastopt.data.augment import *
from fastopt.data.encoder import *
from fastopt.data.stream import *
