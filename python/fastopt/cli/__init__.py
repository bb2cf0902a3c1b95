"""The command ``fastopt``: tables to models and predictions, a demonstration, benchmarks, a gallery, this machine."""

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import fastopt as fo
from fastopt.cli.demo import demo
from fastopt.cli.predict import predict
from fastopt.cli.train import TASKS, train

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the program's name; by default those of the process.

    Returns:
        The exit code: 0, or 1 after an error, or 130 after Ctrl-C. Wrong arguments end the process with 2.

    Example:
        >>> main(["info"])
        fastopt ...
        0
    """
    parser = _parser()
    words = list(sys.argv[1:] if argv is None else argv)
    # What follows "bench" or "gallery" is for them; each has its own parser.
    args = parser.parse_args(words[:1] if words[:1] in (["bench"], ["gallery"]) else words)
    if args.command == "demo" and args.data == "digits" and args.path is not None:
        parser.error("--path goes with --data mnist; the digits come with the package")
    try:
        if args.command == "demo":
            demo(args.data, args.path, args.epochs, args.compare)
        elif args.command == "train":
            train(args.data, args.target, args.out, args.task, args.drop, args.categorical, args.epochs, args.seed)
        elif args.command == "predict":
            predict(args.model, args.data, args.out)
        elif args.command == "bench":
            return _bench(words[1:])
        elif args.command == "gallery":
            return _gallery(words[1:])
        else:
            fo.show_config()
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nfastopt: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone; what is still in the buffer must not raise again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, OSError, TypeError, ValueError) as error:
        print(f"fastopt: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastopt", description="Train neural networks on a CPU, fast.")
    parser.add_argument("--version", action="version", version=f"fastopt {fo.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    show = commands.add_parser("demo", help="train a classifier of handwritten digits and show what it does")
    show.add_argument("--data", choices=["digits", "mnist"], default="digits", help="default: digits, 8x8 pixels")
    show.add_argument("--path", metavar="DIR", help="folder with MNIST's files; else they are looked for, then fetched")
    show.add_argument("--epochs", type=_positive, default=20, metavar="N", help="passes over the data; default: 20")
    show.add_argument("--compare", action="store_true", help="train the same network in plain NumPy as well")
    _add_tables(commands)
    commands.add_parser("bench", add_help=False, help="measure speed against other libraries; --quick takes a minute")
    commands.add_parser("gallery", add_help=False, help="draw and check what lectures say; in the source tree")
    commands.add_parser("info", help="say which instructions and how many threads are used, and why")
    return parser


def _add_tables(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    training = commands.add_parser("train", help="train a network on a table, a CSV or Parquet file, and save it")
    training.add_argument("data", help="the table: .csv, also compressed, or .parquet; of any size")
    training.add_argument("--target", required=True, metavar="COLUMN", help="the column that is to be predicted")
    training.add_argument(
        "--out", default="model.safetensors", metavar="FILE", help="the file of the model; default: model.safetensors"
    )
    training.add_argument("--task", choices=TASKS, help="default: by the target, and printed")
    training.add_argument("--drop", type=_names, default=[], metavar="A,B", help="columns that are not looked at")
    training.add_argument("--categorical", type=_names, default=[], metavar="A,B", help="numbers that are categories")
    training.add_argument("--epochs", type=_positive, metavar="N", help="passes over the rows; default: up to 256")
    training.add_argument("--seed", type=int, default=0, metavar="N", help="decides what is random; default: 0")
    predicting = commands.add_parser("predict", help="predict the rows of a table by a model of fastopt train")
    predicting.add_argument("model", help="the file of the model")
    predicting.add_argument("data", help="the table, with the columns that the model was trained with")
    predicting.add_argument(
        "--out", default="predictions.csv", metavar="FILE", help=".csv or .parquet; default: predictions.csv"
    )


def _names(text: str) -> list[str]:
    return text.split(",")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {value}")
    return value


def _bench(argv: Sequence[str]) -> int:
    """Hand over to the benchmark suite, which the wheel holds as ``fastopt.bench``."""
    if importlib.util.find_spec("fastopt.bench") is None:
        raise FileNotFoundError(
            "the benchmarks are not part of this installation; in the source tree run: python -m bench"
        )
    suite = importlib.import_module("fastopt.bench.__main__")
    return int(suite.main(argv, "fastopt bench"))


def _gallery(argv: Sequence[str]) -> int:
    """Run the scripts of the gallery, which the wheel does not hold: those of this folder or of the source tree."""
    for root in (Path.cwd(), Path(fo.__file__).resolve().parents[2]):
        if (root / "gallery" / "__main__.py").is_file():
            return subprocess.run([sys.executable, str(root / "gallery"), *argv], check=False).returncode
    raise FileNotFoundError(
        "the gallery is part of the source tree, not of the installed package: run fastopt gallery there; the site of "
        "the documentation shows its pictures"
    )
