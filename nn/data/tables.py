"""Tables in text files: numbers are read as they stand there, and whatever is no number is said by line and column."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from autograd_core.aliases import Array
from autograd_core.errors import ConfigError, DataError
from autograd_core.options import FLOATS, SWITCH

from .splits import DataSet

__all__ = ["read_csv"]

Column = str | int
# float() also takes "nan", "inf", "1_000" and digits of other scripts, none of which is meant as a number here.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_MISSING = ("", "?", "NA", "N/A", "na", "n/a", "nan", "NaN", "NAN", "null", "NULL", "None")


class _Row(NamedTuple):
    line: int
    cells: list[str]


def read_csv(
    path: str | os.PathLike[str],
    targets: Column | Sequence[Column],
    inputs: Sequence[Column] | None = None,
    *,
    classes: bool | Sequence[str] = False,
    categories: Mapping[Column, Literal["one-hot", "integer"] | Sequence[str]] | None = None,
    missing: Literal["error", "drop", "mean"] | float = "error",
    missing_texts: Sequence[str] = _MISSING,
    header: bool = True,
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    decimal: Literal[".", ","] = ".",
    encoding: str = "utf-8-sig",
    dtype: npt.DTypeLike = np.float32,
) -> DataSet:
    r"""Read a table of numbers and names from a CSV file: the number that stands there, or an error.

    Parameters
    ----------
    path : path-like
        Of lines of equally many cells. Cells may be in double quotes; blank lines are passed over, and so is
        white space around a cell.
    targets : column, or sequence of columns
        A column is its name, or its number: from 0, or from −1 backwards.
    inputs : sequence of columns, optional
        Default: all but the targets.
    classes : bool or sequence of str
        Whether the target is a class rather than a number. True numbers the names that there are, sorted (as
        integers, where all are); a list gives them in the order of their numbers, and no other may occur.
    categories : mapping of column to {"one-hot", "integer"} or sequence of str, optional
        Inputs that are names. One column of 0 and 1 for each name, called "colour=red"; or a number from 0, in
        the order of names, which says that they lie on a line; or one-hot for names that are given in order,
        so that another file is encoded alike, and no other may occur.
    missing : {"error", "drop", "mean"} or float
        What becomes of an example with a cell that is missing: an error; left out; or the cell is filled, with
        the mean of its column over the whole file (which a test part then has a share in) or with a number.
        Targets and categories that are missing are never filled.
    missing_texts : sequence of str
        Cells that count as missing. Default: empty, "?", "NA", "nan", "null" and the like.
    header : bool
        Whether the first line names the columns.
    columns : sequence of str, optional
        Their names, instead of those in the header, if there is one.
    delimiter : str
        One character: ",", ";" or "\t".
    decimal : {".", ","}
        What stands before the fraction of a number.
    encoding : str
        Of the text. The default takes UTF-8 with or without a mark at its beginning.
    dtype : dtype
        Of the inputs, and of targets that are numbers.

    Returns
    -------
    DataSet
        Inputs, shape (N, columns); targets: class numbers, shape (N,), int64, or numbers, shape (N, columns).

    Raises
    ------
    DataError
        If the file is missing or unreadable, empty, not of one width, or a cell is no number that the dtype
        holds; with line, column, and what stands there.
    ConfigError
        If there is no such column, or an option is not as said.

    Notes
    -----
    "inf", "1_000", "1,234" and "0x10" are no numbers here. One that is over the largest of the dtype is an
    error, as is one so small that it would become 0, and a whole number that the dtype would round.

    Examples
    --------
    >>> import pathlib, tempfile, nn
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pets.csv"
    >>> _ = path.write_text("weight,colour,kind\n4.5,grey,cat\n11,brown,dog\n3.9,brown,cat\n")
    >>> pets = nn.data.read_csv(path, "kind", classes=True, categories={"colour": "one-hot"})
    >>> pets.columns, pets.classes
    (('weight', 'colour=brown', 'colour=grey'), ('cat', 'dog'))
    >>> pets.targets.tolist(), pets.inputs[1].tolist()
    ([0, 1, 0], [11.0, 1.0, 0.0])
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigError("read_csv", f"expected a path; received {path!r:.60}.")
    if not isinstance(encoding, str):
        raise ConfigError("read_csv", f"encoding: expected a name; received {encoding!r:.60}.")
    if categories is not None and not isinstance(categories, Mapping):
        raise ConfigError(
            "read_csv",
            "categories: expected a mapping of columns to how they are encoded, such as "
            f"{{'colour': 'one-hot'}}; received {categories!r:.60}.",
        )
    reading = _Reading(
        Path(path),
        FLOATS.check("read_csv: dtype", dtype),
        decimal,
        missing,
        frozenset(missing_texts),
    )
    SWITCH.check("read_csv: header", header)
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\n\r' + decimal:
        raise ConfigError(
            "read_csv",
            "delimiter: expected one character that is no quote, no end of line and not the "
            f"decimal {decimal!r}; received {delimiter!r}.",
        )
    rows = list(reading.rows(delimiter, encoding))
    names = reading.named(rows, header, columns, delimiter)
    rows = rows[1:] if header else rows
    if not rows:
        raise reading.fault("the file has no examples", "lines of values", "a header alone")

    chosen = _positions("targets", targets, names)
    if not chosen:
        raise ConfigError("read_csv", "targets: expected a column or more; received none.")
    if inputs is None:
        used = [k for k in range(len(names)) if k not in chosen]
        nameless = [k for k in used if not names[k]]
        if nameless:
            raise reading.fault(
                f"column {nameless[0]} has no name",
                "names, or which columns are inputs (a nameless one often holds the numbers of rows)",
                "an empty cell in the header",
                "Pass inputs=, or columns=.",
            )
    else:
        used = _positions("inputs", inputs, names)
    both = [names[k] or k for k in used if k in chosen]
    if both or not used:
        raise ConfigError(
            "read_csv",
            f"inputs: expected a column or more that is no target; received {both[0]!r}."
            if both
            else "inputs: expected a column or more; received none.",
        )
    by_name = {_position(column, names): how for column, how in (categories or {}).items()}
    stray = [names[k] or k for k in by_name if k not in used]
    if stray:
        raise ConfigError(
            "read_csv",
            f"categories: expected columns that are inputs; received {stray[0]!r}. For a target, pass "
            "classes=True.",
        )
    if classes is not False and len(chosen) != 1:
        raise ConfigError(
            "read_csv", f"classes: expected one target column with it; received {len(chosen)}."
        )

    rows = reading.complete(rows, [*used, *chosen], names)
    table: list[Array] = []
    titles: list[str] = []
    for k in used:
        if k in by_name:
            more, words = reading.category(rows, k, names, by_name[k])
            table += more
            titles += words
        else:
            table.append(reading.numbers(rows, k, names, fill=True))
            titles.append(names[k] or str(k))
    made = np.stack(table, axis=1)
    if classes is False:
        numbers = [reading.numbers(rows, k, names, fill=False) for k in chosen]
        return DataSet.of(made, np.stack(numbers, axis=1), columns=titles)
    known = None if classes is True else _distinct("classes", classes)
    labels, found = reading.labels(rows, chosen[0], names, known)
    return DataSet.of(made, labels, columns=titles, classes=found)


class _Reading:
    """One file, and how its cells are to be taken."""

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        decimal: str,
        missing: Any,
        texts: frozenset[str],
    ) -> None:
        if decimal not in (".", ","):
            raise ConfigError("read_csv", f"decimal: expected '.' or ','; received {decimal!r}.")
        number = isinstance(missing, int | float | np.number) and not isinstance(missing, bool)
        if missing not in ("error", "drop", "mean") if not number else not np.isfinite(missing):
            raise ConfigError(
                "read_csv",
                "missing: expected 'error', 'drop', 'mean' or a finite number; "
                f"received {missing!r:.60}.",
            )
        self.path, self.dtype, self.decimal = path, dtype, decimal
        self.missing, self.texts = missing, texts  # -999 may be among them

    def fault(self, what: str, expected: str, found: str, remedy: str = "") -> DataError:
        """An error of this file."""
        return DataError(
            f"CSV file {self.path}",
            f"{what}. Expected {expected}; found {found}. {remedy}".rstrip(),
        )

    def cell_fault(
        self, row: _Row, k: int, names: Sequence[str], expected: str, remedy: str
    ) -> Any:
        """An error of one cell."""
        name = f" ({names[k]!r})" if names[k] else ""
        return self.fault(
            f"line {row.line}, column {k}{name}", expected, f"{row.cells[k]!r:.60}", remedy
        )

    def rows(self, delimiter: str, encoding: str) -> Iterator[_Row]:
        """Lines with their numbers, all of one width."""
        line, width = 1, None
        try:
            with self.path.open(encoding=encoding, newline="") as file:
                reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
                for found in reader:
                    cells = [cell.strip() for cell in found]
                    begins, line = line, reader.line_num + 1
                    if not found:
                        continue
                    width = len(cells) if width is None else width
                    if len(cells) != width:
                        raise self.fault(
                            f"line {begins} is of another width",
                            f"{width} cells, as in the first line",
                            f"{len(cells)}",
                            f"The delimiter is {delimiter!r}; a cell that has it inside needs quotes.",
                        )
                    yield _Row(begins, cells)
        except FileNotFoundError:
            raise self.fault("the file is not there", "a CSV file", "none") from None
        except UnicodeError as error:
            raise self.fault(
                "the text cannot be decoded", f"text in {encoding}", str(error), "Pass encoding=."
            ) from None
        except LookupError:
            raise ConfigError(
                "read_csv", f"encoding: expected a name such as 'utf-8'; received {encoding!r}."
            ) from None
        except csv.Error as error:
            raise self.fault(
                f"line {line} cannot be read", "cells with closed quotes", str(error)
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise self.fault("the file cannot be read", "a readable file", reason) from None
        if width is None:
            raise self.fault("the file is empty", "lines of values", "none")

    def named(
        self, rows: list[_Row], header: bool, columns: Sequence[str] | None, delimiter: str
    ) -> list[str]:
        """What the columns are called; "" for those that have no name."""
        first = rows[0].cells
        if columns is not None:
            names = _distinct("columns", columns)
            if len(names) != len(first):
                raise ConfigError(
                    "read_csv",
                    f"columns: expected {len(first)} names, one for each cell of a line; received {len(names)}.",
                )
            return names
        if not header:
            return [""] * len(first)
        numbers = [k for k, cell in enumerate(first) if self.number(cell) is not None]
        if numbers:
            raise self.fault(
                f"line {rows[0].line} is no header",
                "names of columns",
                f"the number {first[numbers[0]]!r}",
                "Pass header=False if the values begin there, or columns= to give names of your own.",
            )
        twice = [k for k, name in enumerate(first) if name and name in first[:k]]
        if twice:
            k = twice[0]
            raise self.fault(
                f"columns {first.index(first[k])} and {k} have one name",
                "different ones",
                f"{first[k]!r} twice",
                "Pass columns= to give names of your own.",
            )
        if len(first) == 1:
            raise self.fault(
                "there is one column alone",
                "inputs and targets",
                f"{first[0]!r:.60}",
                f"The delimiter is {delimiter!r}; others are ';' and '\\t'.",
            )
        return first

    def number(self, text: str) -> float | None:
        """The number that a cell is, if it is one."""
        if self.decimal == ",":
            text = "" if "." in text else text.replace(",", ".")
        return float(text) if _NUMBER.fullmatch(text) else None

    def complete(self, rows: list[_Row], used: Sequence[int], names: Sequence[str]) -> list[_Row]:
        """The rows to be read: those with missing cells are an error, left out, or to be filled."""
        if self.missing == "drop":
            kept = [row for row in rows if not any(row.cells[k] in self.texts for k in used)]
            if not kept:
                raise self.fault(
                    "no line is complete", "one or more", f"{len(rows)} with missing cells"
                )
            return kept
        return rows

    def numbers(self, rows: list[_Row], k: int, names: Sequence[str], fill: bool) -> Array:
        """A column of numbers."""
        values = np.empty(len(rows), np.float64)
        gaps = []
        for i, row in enumerate(rows):
            value = self.number(row.cells[k])
            if row.cells[k] in self.texts:
                if self.missing == "error" or not fill:
                    raise self.cell_fault(
                        row, k, names, "a number", "It is missing: "
                        + ("pass missing='drop', 'mean' or a number." if fill else "pass missing='drop'."),
                    )  # fmt: skip
                gaps.append(i)
                value = 0.0
            elif value is None:
                raise self.cell_fault(row, k, names, "a number", self.advice(row.cells[k], fill))
            values[i] = value
        with np.errstate(over="ignore", under="ignore"):
            cast = values.astype(self.dtype)
        wrong = ~np.isfinite(cast) | ((cast == 0) & np.array([_tells(r.cells[k]) for r in rows]))
        wrong[gaps] = False
        for i, row in enumerate(rows):
            text = row.cells[k]
            whole = _INTEGER.fullmatch(text) and text not in self.texts
            if whole and not wrong[i] and int(text) != int(cast[i]):
                raise self.cell_fault(
                    row, k, names, f"a whole number that {self.dtype} holds",
                    f"It would be rounded to {int(cast[i])}. Pass a wider dtype; a number that is a name "
                    "(of a customer, say) is a category, or no input.",
                )  # fmt: skip
        if wrong.any():
            row = rows[int(wrong.argmax())]
            span = np.finfo(self.dtype)
            raise self.cell_fault(
                row, k, names, f"a number that {self.dtype} holds, 0 or of size {span.smallest_subnormal:.2g} to "
                f"{span.max:.2g}", "Pass dtype=np.float64, or scale the column.",
            )  # fmt: skip
        if gaps:
            there = np.delete(values, gaps)
            if self.missing == "mean" and not len(there):
                raise self.fault(
                    f"column {k} ({names[k]!r}) has no value", "one or more for a mean", "none"
                )
            cast[gaps] = there.mean() if self.missing == "mean" else self.missing
        return cast

    def advice(self, text: str, fill: bool) -> str:
        """What may be meant by a cell that is no number."""
        other = "," if self.decimal == "." else "."
        if other in text and re.search(r"\d", text) and not re.search(r"[A-Za-z]", text):
            return f"The decimal is {self.decimal!r}; for the other one pass decimal={other!r}."
        if not fill:
            return "If it is the name of a class, pass classes=True."
        return "If it is the name of a category, pass categories={…: 'one-hot'}; else leave the column out."

    def category(
        self, rows: list[_Row], k: int, names: Sequence[str], how: Any
    ) -> tuple[list[Array], list[str]]:
        """A column of names, as columns of numbers."""
        title = names[k] or str(k)
        if isinstance(how, str) and how not in ("one-hot", "integer"):
            raise ConfigError(
                "read_csv",
                f"categories: expected 'one-hot', 'integer' or a list of names for {title!r}; received {how!r}.",
            )
        known = None if isinstance(how, str) else _distinct(f"categories of {title!r}", how)
        labels, found = self.labels(rows, k, names, known)
        if how == "integer":
            return [labels.astype(self.dtype)], [title]
        return (
            [(labels == number).astype(self.dtype) for number in range(len(found))],
            [f"{title}={name}" for name in found],
        )

    def labels(
        self, rows: list[_Row], k: int, names: Sequence[str], known: list[str] | None
    ) -> tuple[Array, list[str]]:
        """A column of names, numbered."""
        for row in rows:
            if row.cells[k] in self.texts and (known is None or row.cells[k] not in known):
                raise self.cell_fault(
                    row, k, names, "a name", "It is missing: pass missing='drop'."
                )
        if known is None:
            found = {row.cells[k] for row in rows}
            whole = all(_INTEGER.fullmatch(name) for name in found)
            known = sorted(found, key=lambda name: (int(name), name)) if whole else sorted(found)
        number = {name: i for i, name in enumerate(known)}
        for row in rows:
            if row.cells[k] not in number:
                shown = ", ".join(map(repr, known[:10])) + (", …" if len(known) > 10 else "")
                raise self.cell_fault(row, k, names, f"one of {shown}", "")
        return np.array([number[row.cells[k]] for row in rows], np.int64), known


def _tells(text: str) -> bool:
    """Whether the digits before an exponent are not all 0."""
    return bool(re.search(r"[1-9]", re.split(r"[eE]", text)[0]))


def _positions(what: str, columns: Any, names: Sequence[str]) -> list[int]:
    """Where one column or several stand."""
    if isinstance(columns, str | int | np.integer):
        columns = [columns]
    if not isinstance(columns, Sequence | np.ndarray):
        raise ConfigError(
            "read_csv",
            f"{what}: expected a column, or a list of them, by name or number; received {columns!r:.60}.",
        )
    found = [_position(column, names) for column in columns]
    if len(set(found)) < len(found):
        raise ConfigError(
            "read_csv", f"{what}: expected each column once; received {list(columns)!r:.60}."
        )
    return found


def _position(column: Any, names: Sequence[str]) -> int:
    """Where a column stands that is given by name or number."""
    if isinstance(column, int | np.integer) and not isinstance(column, bool):
        if -len(names) <= column < len(names):
            return int(column) % len(names)
        raise ConfigError(
            "read_csv", f"expected a column from 0 to {len(names) - 1}; received {column}."
        )
    if isinstance(column, str) and column and column in names:
        return list(names).index(column)
    there = ", ".join(repr(n) for n in names[:20] if n) or "none, since there is no header"
    raise ConfigError(
        "read_csv",
        f"there is no column {column!r}. Expected a number, or one of the names: {there}.",
    )


def _distinct(what: str, names: Sequence[str]) -> list[str]:
    """Names, each of its own."""
    found = [] if isinstance(names, str) else [str(name) for name in names]
    if not found or len(set(found)) != len(found):
        raise ConfigError(
            "read_csv", f"{what}: expected a list of different names; received {names!r:.60}."
        )
    return found
