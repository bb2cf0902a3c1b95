"""Tables: columns by name, of which the first numbers the rows."""

import io
import os
from typing import Any

from fastopt.core.files import replaced

__all__ = ["Table"]


class Table:
    """What has a `table`, for other libraries and for files."""

    @property
    def table(self) -> dict[str, list[Any]]:
        """The columns, all of one length."""
        raise NotImplementedError

    def to_frame(self) -> Any:
        """Return the table as a `pandas.DataFrame` indexed by its first column; other libraries take `table`.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ImportError("A DataFrame needs pandas: pip install pandas; table is a dict of lists.") from error
        table = self.table
        return DataFrame(table).set_index(next(iter(table)))

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the table to a text file, with commas and names in the first line.

        Args:
            path: The file; one that exists is replaced.

        Raises:
            OSError: The file cannot be written.
        """
        import csv

        table = self.table
        text = io.StringIO(newline="")
        csv.writer(text).writerows([[*table], *zip(*table.values(), strict=True)])
        with replaced(path) as file:
            file.write(text.getvalue().encode())
