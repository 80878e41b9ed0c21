"""Is it our `nn` that ``import nn`` finds? The names are general, and other people's too.

Three things go wrong in practice. A file ``nn.py`` beside somebody's script comes before the
installed package. Another distribution installs an ``nn`` of its own over our files, and no
installer warns. That distribution is removed again, and leaves an empty folder which Python still
imports. Each shows up as a baffling error far away, so `check` is called before anything of ours is
imported, and says which file is in the way.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

__all__ = ["PACKAGES", "ForeignPackageError", "Intrusion", "check", "intrusions", "lurking"]

DISTRIBUTION = "gradproof"
PACKAGES = ("autograd_core", "nn", "optim", "analysis", "viz")
HOME = Path(__file__).resolve().parent.parent


class ForeignPackageError(ImportError):
    """Python finds somebody else's `autograd_core`, `nn`, `optim`, `analysis` or `viz` instead of ours.

    Repaired: rename or move the file that the message names, or uninstall the distribution that
    it names and run ``pip install --force-reinstall --no-deps gradproof``.
    """


@dataclass(frozen=True)
class Intrusion:
    """One package that is not what it should be.

    Attributes
    ----------
    package : str
        The name that is imported.
    found : str or None
        The file or folder in the way; None if Python finds nothing at all.
    expected : str
        Our own folder.
    problem : str
        What is wrong, in a sentence without its full stop.
    remedy : str
        What to do about it, in one or two sentences.
    """

    package: str
    found: str | None
    expected: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return (
            f"{self.package}: {self.problem}. Expected {self.expected}; "
            f"found {self.found or 'nothing'}. {self.remedy}"
        )


def check(packages: Iterable[str] = PACKAGES, home: str | os.PathLike[str] = HOME) -> None:
    """Make sure that ``import nn``, and so on, will find our packages; import none of them.

    Parameters
    ----------
    packages : iterable of str
        Top-level names.
    home : path-like
        The folder in which they belong: the one that holds ``gradproof``.

    Raises
    ------
    ForeignPackageError
        If one is shadowed, overwritten or missing. Names every intruding file, and the remedy.
    """
    intruders = intrusions(packages, home)
    if intruders:
        raise ForeignPackageError("\n".join(map(str, intruders)))


def intrusions(
    packages: Iterable[str] = PACKAGES, home: str | os.PathLike[str] = HOME
) -> list[Intrusion]:
    """Find what `check` would raise about: at most one `Intrusion` for a package, in order."""
    home = Path(home).resolve()
    shadowed = {name: _shadow(name, home) for name in packages}
    # A foreign file in front already says all there is to say about its name.
    overwritten = _overwritten([name for name, found in shadowed.items() if not found], home)
    found = (shadowed[name] or overwritten.get(name) for name in shadowed)
    return [intrusion for intrusion in found if intrusion]


def lurking(
    packages: Iterable[str] = PACKAGES, home: str | os.PathLike[str] = HOME
) -> list[Intrusion]:
    """Find what in the working folder would stand in the way of a Python that is started there.

    The installed command ``gradproof`` does not look for packages in the working folder; scripts
    that lie there, ``python -m``, ``python -c`` and notebooks do, and before all other places.
    """
    if os.environ.get("PYTHONSAFEPATH"):  # which tells every Python not to
        return []
    try:
        folder = os.getcwd()
    except OSError:  # removed
        return []
    intruders = []
    for name in packages:
        # Not a folder without __init__.py: Python goes on looking for a package before it takes one.
        spec = importlib.machinery.PathFinder.find_spec(name, [folder])
        if spec is None or not spec.origin or _same(spec.origin, Path(home, name, "__init__.py")):
            continue
        problem = "a Python started in this folder takes this in its place (this command does not)"
        expected = str(Path(home) / name)
        remedy = _way_out(name, spec.origin)
        intruders.append(Intrusion(name, spec.origin, expected, problem, remedy))
    return intruders


def _shadow(name: str, home: Path) -> Intrusion | None:
    """What comes before our package on the path, or stands in its place, if anything."""
    expected = home / name
    own = expected / "__init__.py"
    spec = _find(name)
    origin = spec.origin if spec and spec.has_location else None
    if origin and _same(origin, own):
        return None
    if not own.is_file():
        problem = "our own package is damaged or not installed"
        remedy = "Install gradproof again: pip install --force-reinstall --no-deps gradproof."
        places = list(spec.submodule_search_locations or ()) if spec else []
        place = origin or (places[0] if places else None)
        return Intrusion(name, place, str(expected), problem, remedy)
    if spec is None:
        remedy = f"Add {home} to PYTHONPATH, or install gradproof."
        return Intrusion(name, None, str(expected), "Python does not look where it is", remedy)
    place = origin or next(iter(spec.submodule_search_locations or ()), None) or "a built-in module"
    kind = "file" if place.endswith(".py") and Path(place).stem != "__init__" else "package"
    problem = f"another {kind} of this name comes first on Python's path"
    return Intrusion(name, place, str(expected), problem, _way_out(name, place))


def _find(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec of what ``import name`` gives or has given, without importing it."""
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__spec__", None) is None:
        # Made by hand, which find_spec refuses; a module without a file is foreign enough.
        origin = getattr(loaded, "__file__", None)
        spec = importlib.machinery.ModuleSpec(name, None, origin=origin)
        spec.has_location = origin is not None
        return spec
    return importlib.util.find_spec(name)


def _same(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


def _way_out(name: str, found: str) -> str:
    """The remedy for a foreign file or package in front of ours."""
    owners = _owners(name, found)
    if owners:
        return (
            f"It was installed by {' and '.join(owners)}. Use gradproof in an environment of its "
            f"own, or run: pip uninstall {' '.join(owners)}."
        )
    place = found if Path(found).name != "__init__.py" else str(Path(found).parent)
    return f"Rename or move {place}, or run Python from another folder."


def _owners(name: str, found: str) -> list[str]:
    """Distributions, other than ours, that say they installed this very file."""
    path = Path(found)
    end = f"{name}/{path.name}" if path.is_file() and path.name == "__init__.py" else path.name
    return sorted(
        {
            owner
            for owner, entry in _foreign_files({name})
            if str(entry).endswith(end) and _same(entry.locate(), path)
        }
    )


def _foreign_files(tops: set[str]) -> Iterator[tuple[str, importlib.metadata.PackagePath]]:
    """What other distributions installed under any of these top-level names."""
    for distribution in importlib.metadata.distributions():
        owner = distribution.metadata["Name"]
        if owner == DISTRIBUTION or owner is None:
            continue
        for entry in distribution.files or ():
            if entry.parts and entry.parts[0].removesuffix(".py") in tops:
                yield owner, entry


def _overwritten(names: list[str], home: Path) -> dict[str, Intrusion]:
    """Packages of ours, at their place, in which another distribution has put its own files.

    Our wheel's record holds a checksum of every file. A file that differs and that nobody else
    claims was edited by its owner, which is nobody's business here.
    """
    changed = {entry: path for entry, path in _recorded(names, home) if not _intact(entry, path)}
    if not changed:
        return {}
    intruders: dict[str, Intrusion] = {}
    wanted = {PurePosixPath(entry): path for entry, path in changed.items()}
    for owner, entry in _foreign_files(set(names)):
        path = wanted.get(PurePosixPath(entry))
        name = entry.parts[0]
        if path is None or name in intruders or not _same(entry.locate(), path):
            continue
        problem = f"the distribution {owner} has overwritten our files"
        remedy = (
            f"Use gradproof in an environment of its own, or run: pip uninstall {owner} && "
            f"pip install --force-reinstall --no-deps {DISTRIBUTION}."
        )
        intruders[name] = Intrusion(name, str(path), str(home / name), problem, remedy)
    return intruders


def _recorded(
    names: list[str], home: Path
) -> Iterator[tuple[importlib.metadata.PackagePath, Path]]:
    """Our installed files, as recorded by the installer; none in an editable installation."""
    try:
        files = importlib.metadata.distribution(DISTRIBUTION).files or ()
    except importlib.metadata.PackageNotFoundError:
        return
    for entry in files:
        if entry.suffix == ".py" and entry.hash and entry.parts[0] in names:
            path = Path(str(entry.locate()))
            if _same(path, home.joinpath(*entry.parts)):
                yield entry, path


def _intact(entry: importlib.metadata.PackagePath, path: Path) -> bool:
    if entry.hash is None:
        return True
    try:
        digest = hashlib.new(entry.hash.mode, path.read_bytes()).digest()
    except (OSError, ValueError):  # unreadable, or a kind of checksum that we do not know
        return True
    # RECORD has base64 without its padding.
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == entry.hash.value
