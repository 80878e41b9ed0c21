"""What a folder of many like things exports, and the table of them in a README: `make docs`.

Where one file holds one optimizer, one schedule or one layer, a new file is all that has to be
written: the folder's ``__init__.py`` and the rows of the table are made here, from the ``__all__``
of each file and the first line of each docstring. Files are read, not imported. A test says when
this is due.

Usage: python tools/docs.py [--check]

--check
    Write nothing; name what is out of date, and fail if there is anything.

A table stands between two comments, its head written by hand and its rows made here::

    <!-- table: optim/optimizers -->
    | optimizer | what it does |
    | --- | --- |
    <!-- end -->
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

# Each folder, with the page that holds the table of what is in it. A folder within it is exported
# and listed with it.
FOLDERS: dict[str, str | None] = {
    "nn/layers": "nn/README.md",
    "nn/losses": "nn/README.md",
    "nn/regularizers": "nn/README.md",
    "nn/constraints": "nn/README.md",
    "nn/initializers": "nn/README.md",
    "nn/functional": None,
    "nn/data": "nn/README.md",
    "optim/optimizers": "optim/README.md",
    "optim/curvature": "optim/README.md",
    "optim/schedules": "optim/README.md",
    "optim/transforms": "optim/README.md",
    "viz/figures": "viz/README.md",
}

# Where things are registered by a decorator, a table lists these alone, not what helps to make them.
REGISTERED = {"viz/figures": "figure"}

MARK = "# The rest is made by `make docs`, of the `__all__` of each file."
WIDTH = 100  # of a line, as in pyproject.toml
# What a person sees of the folder: names, not the files that they stand in.
COMPLETION = [
    "",
    "",
    "def __dir__() -> list[str]:",
    '    """The public names, for completion."""',
    "    return list(__all__)",
]


class Name(NamedTuple):
    """A public name: where it is declared, the first line of its docstring, and its decorators."""

    name: str
    file: Path
    line: str
    decorators: tuple[str, ...]


class DocsError(Exception):
    """Something here cannot be listed; says where, and what to write."""


def exported(file: Path) -> list[Name]:
    """The public names of a file, in the order of its ``__all__``; none if it has no such list."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    docs: dict[str, str] = {}
    decorators: dict[str, tuple[str, ...]] = {}
    names: list[str] = []
    for statement in body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            docs[statement.name] = (ast.get_docstring(statement) or "").partition("\n")[0]
            decorators[statement.name] = tuple(
                ast.unparse(d.func if isinstance(d, ast.Call) else d)
                for d in statement.decorator_list
            )
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if [t.id for t in targets if isinstance(t, ast.Name)] == ["__all__"]:
                try:
                    names = ast.literal_eval(statement.value)
                except ValueError:
                    raise DocsError(
                        f"{file}: expected __all__ to be a list of strings, written out."
                    ) from None
    return [Name(name, file, docs.get(name, ""), decorators.get(name, ())) for name in names]


def listed(folder: Path) -> Iterator[tuple[str, list[Name]]]:
    """Modules and packages in a folder with what each exports; private ones have an underscore."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(("_", ".")):
            continue
        if entry.suffix == ".py":
            found = exported(entry)
        elif (entry / "__init__.py").exists():
            found = [name for _, names in listed(entry) for name in names]
        else:
            continue
        if found:
            yield entry.stem, found


def in_order(name: str) -> tuple[int, list[tuple[str, int]]]:
    """What sorts names as ruff does: constants, classes, functions; 9 before 10 in each."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    parts = re.findall(r"(\D*)(\d*)", name)
    return rank, [(text, int(digits or -1)) for text, digits in parts]


def in_import(name: str) -> tuple[int, list[tuple[str, int]]]:
    """The same for imports, where ruff looks at capitals last: Sigmoid before SiLU."""
    rank, parts = in_order(name)
    return rank, [(text.lower(), digits) for text, digits in parts]


def _enclosed(before: str, items: list[str], after: str = "") -> str:
    """The items between brackets on one line, or one line each if that is too long."""
    line = before + ", ".join(items) + after
    if len(line) <= WIDTH:
        return line
    if not after:  # the names of an import, which stand in brackets only then
        before, after = before + "(", ")"
    return "\n".join([before, *(f"    {item}," for item in items), after])


def initial(folder: Path) -> str:
    """The ``__init__.py`` that a folder should have: its docstring, and what its files export."""
    path = folder / "__init__.py"
    source = path.read_text(encoding="utf-8") if path.exists() else ""
    body = ast.parse(source).body
    if not body or ast.get_docstring(ast.parse(source)) is None:
        raise DocsError(f'{path}: expected a docstring. Write one: """What is in this folder."""')
    head = "\n".join(source.splitlines()[: body[0].end_lineno])
    owners: dict[str, str] = {}
    lines: list[str] = []
    for module, names in listed(folder):
        for name in names:
            if owners.setdefault(name.name, module) != module:
                raise DocsError(
                    f"{name.file}: {name.name} is exported by {owners[name.name]} in {folder}, too. "
                    "Expected one home for a name."
                )
        chosen = sorted((name.name for name in names), key=in_import)
        lines.append(_enclosed(f"from .{module} import ", chosen))
    everything = [f'"{name}"' for name in sorted(owners, key=in_order)]
    lines += ["", _enclosed("__all__ = [", everything, "]")]
    if not owners:
        lines = ["__all__: list[str] = []"]
    return "\n".join([head, "", MARK, *lines, *COMPLETION, ""])


def with_table(text: str, folder: str, page: Path, root: Path) -> str:
    """A page with the rows of the table of ``folder`` as they should be."""
    start, end = f"<!-- table: {folder} -->\n", "<!-- end -->"
    before, opened, behind = text.partition(start)
    between, ended, after = behind.partition(end)
    head = between.splitlines(keepends=True)[:2]
    if not opened or not ended or len(head) < 2:
        raise DocsError(
            f"{page}: expected a table of {folder}, two lines of its head between the lines "
            f"{start.strip()!r} and {end!r}."
        )
    rows: list[str] = []
    for _, names in listed(root / folder):
        for name in names:
            link = os.path.relpath(name.file, page.parent).replace(os.sep, "/")
            words = name.line.replace("|", r"\|")
            if words and REGISTERED.get(folder, "") in ("", *name.decorators):
                rows.append(f"| [`{name.name}`]({link}) | {words} |\n")
    return "".join([before, opened, *head, *rows, ended, after])


def wanted(root: Path = ROOT, folders: dict[str, str | None] | None = None) -> dict[Path, str]:
    """Every file that is made here, with the text that it should have."""
    texts: dict[Path, str] = {}
    for folder, readme in (FOLDERS if folders is None else folders).items():
        inner = [path.parent for path in (root / folder).rglob("__init__.py")]
        for package in {root / folder, *inner}:
            texts[package / "__init__.py"] = initial(package)
        if readme is not None:
            page = root / readme
            text = texts.get(page) or page.read_text(encoding="utf-8")
            texts[page] = with_table(text, folder, page, root)
    return texts


def due(root: Path = ROOT, folders: dict[str, str | None] | None = None) -> dict[Path, str]:
    """Those of them that have another text now."""
    return {
        path: text
        for path, text in wanted(root, folders).items()
        if path.read_text(encoding="utf-8") != text
    }


def main(arguments: list[str]) -> int:
    """Write what is out of date, or name it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args(arguments).check
    try:
        stale = due()
    except DocsError as error:
        print(error, file=sys.stderr)
        return 1
    for path, text in stale.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {'out of date; run make docs' if check else 'renewed'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
