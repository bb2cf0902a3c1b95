"""``fastopt predict``: the rows of a table by a model that ``fastopt train`` has made."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastopt.cli.scores import wrapped
from fastopt.data.tables import TableFile, arrow, named, need_columns, write_pieces
from fastopt.tools.saving import load_model

__all__ = ["predict"]


def predict(path: str, data: str, out: str) -> None:
    """Write predictions for all rows of a table.

    Args:
        path: The file of the model.
        data: The file of the table, with the columns that the model was trained with, in any order; others are named.
        out: The file of the predictions: a column ``prediction``, and of classes their probabilities.

    Raises:
        ImportError, OSError: As `TableFile`.
        TypeError, ValueError: The model has no encoder, or the table not the columns that it needs.
    """
    model = load_model(path)
    encoder = model.encoder
    if encoder is None:
        raise ValueError(f"{path} has no encoder for tables: models of 'fastopt train' have one")
    names = encoder.feature_names_in
    words = [name for name, known in encoder.vocabularies.items() if isinstance(known[0], str)]
    file = TableFile(data, words)
    rows = 0

    def predictions() -> Iterator[Any]:
        nonlocal rows
        for place, piece in file.placed():
            need_columns(data, piece.column_names, names)
            if not rows and (others := [name or repr(name) for name in piece.column_names if name not in names]):
                print(wrapped("not used", others))
            with named(place):
                outputs = model.predict(piece.select(names), verbose=0)
            rows += piece.num_rows
            yield _columns(outputs, model.classes)

    write_pieces(out, predictions())
    print(f"{'predicted':<12}{rows:,} rows of {data} by {path}")
    print(f"{'written':<12}{out}")


def _columns(outputs: Any, classes: Any) -> Any:
    """Return predictions as a table of Arrow."""
    if classes is None:
        return arrow().table({"prediction": outputs[:, 0].astype(np.float64)})
    columns = {"prediction": classes[outputs.argmax(axis=1)]}
    columns |= {f"probability_{label}": outputs[:, i] for i, label in enumerate(classes.tolist())}
    return arrow().table(columns)
