"""What the examples share: their command line, and how they save pictures."""

import argparse
import io
from pathlib import Path

OUTPUT = Path(__file__).parent / "output"


def parser(text):
    """Return the parser of an example, whose ``--help`` prints the text of the example."""
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)


def folder(text):
    """Return the folder that the command line names; it is made if it is not there."""
    arguments = parser(text)
    arguments.add_argument("folder", nargs="?", type=Path, default=OUTPUT, help="where pictures go; else %(default)s")
    found = arguments.parse_args().folder
    found.mkdir(parents=True, exist_ok=True)
    return found


def save(figure, path):
    """Save a picture in 256 colours, a third of the bytes."""
    from PIL import Image  # which matplotlib brings

    everything = io.BytesIO()
    figure.savefig(everything, dpi=110)
    Image.open(everything).convert("RGB").quantize(256, kmeans=4).save(path, optimize=True)
    print(path)
