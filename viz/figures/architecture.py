"""The map of the house: packages, their folders, and who imports whom, read from the source."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograd_core.errors import ConfigError

from ..drawing.drawing import Drawing
from ..drawing.picture import Cluster, Edge, Node, Picture
from ..registry import figure

__all__ = ["House", "Room", "draw_architecture", "read_house"]

# From the ground up; those of one floor do not import each other.
FLOORS = (("autograd_core",), ("nn", "optim"), ("analysis",), ("viz",), ("gradproof",))
PACKAGES = tuple(name for floor in FLOORS for name in floor)
_NAMED = 4  # files of a group that are named in its box


@dataclass(frozen=True)
class Room:
    """What has a box of its own in the map.

    Attributes
    ----------
    package, name : str
    kind : {"room", "files", "face"}
        A folder with all below it; files beside the folders which import the same of these, directly
        or by way of others; or the package's ``__init__``.
    files : tuple of str
        Names, longest file first.
    lines : int
    """

    package: str
    name: str
    kind: str
    files: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class House:
    """Rooms, and how many imports lead from one to another, by their positions in ``rooms``."""

    rooms: tuple[Room, ...]
    imports: Mapping[tuple[int, int], int]


def read_house(places: Mapping[str, Path] | None = None) -> House:
    """Read packages by `ast`: nothing of them is imported.

    Parameters
    ----------
    places : mapping of str to Path, optional
        Folders by the name of their package; this library's, wherever it is installed, if left out.

    Raises
    ------
    ConfigError
        If a package is not found.
    """
    folders = {name: _place(name) for name in PACKAGES} if places is None else dict(places)
    sources: dict[str, str] = {}
    for package, folder in folders.items():
        for path in sorted(folder.rglob("*.py")):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            sources[".".join(parts)] = path.read_text(encoding="utf-8")
    imports: Counter[tuple[str, str]] = Counter()
    for module, source in sources.items():
        for target in _imported(module, source, sources):
            imports[module, target] += 1
    home = _rooms(sources, imports)
    rooms = sorted({*home.values()}, key=lambda key: (PACKAGES.index(key[0]), key))
    at = {key: number for number, key in enumerate(rooms)}
    between: Counter[tuple[int, int]] = Counter()
    for (a, b), count in imports.items():
        if home[a] != home[b]:
            between[at[home[a]], at[home[b]]] += count
    inside = defaultdict(list)
    for module, key in home.items():
        inside[key].append((sources[module].count("\n"), module))
    return House(tuple(_room(key, inside[key]) for key in rooms), dict(between))


def _place(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ConfigError("architecture", f"the package {package!r} is not installed here.")
    return Path(next(iter(found.submodule_search_locations)))


def _imported(module: str, source: str, known: Mapping[str, str]) -> list[str]:
    """The modules among ``known`` that a module names in imports, wherever these stand."""
    names: list[str] = []
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                base = ".".join([*above, *([node.module] if node.module else [])])
            names += [f"{base}.{alias.name}" for alias in node.names]
    modules = []
    for name in names:
        while name:
            inner = f"{name}.__init__"
            if name in known or inner in known:
                modules.append(name if name in known else inner)
                break
            name = name.rpartition(".")[0]
    return [name for name in modules if name != module]


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements, wherever they stand; expressions, which are most of a tree, hold none."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, part, ())


def _rooms(
    sources: Mapping[str, str], imports: Mapping[tuple[str, str], int]
) -> dict[str, tuple[str, str, str]]:
    """For each module, the (package, kind, name) of its room.

    Files beside the folders stand together if they import the same folders, directly or not: such
    groups have no circle where the files and folders have none.
    """

    def part(module: str) -> tuple[str, str]:
        package, name, *below = module.split(".")
        return package, name + "/" if below else name

    needs = defaultdict(set)
    for a, b in imports:
        if part(a)[0] == part(b)[0] and part(a) != part(b):
            needs[part(a)].add(part(b))
    home = {}
    for module in sources:
        package, name = part(module)
        if name.endswith("/"):
            home[module] = (package, "room", name)
        elif name == "__init__":
            home[module] = (package, "face", package)
        else:
            seen: set[tuple[str, str]] = set()
            todo = [(package, name)]
            while todo:
                for other in needs[todo.pop()] - seen:
                    seen.add(other)
                    todo.append(other)
            reached = sorted(n for _, n in seen if n == "__init__" or "/" in n)
            home[module] = (package, "files", " ".join(reached))
    return home


def _room(key: tuple[str, str, str], inside: list[tuple[int, str]]) -> Room:
    package, kind, name = key
    files = tuple(
        module.partition(".")[2].replace(".", "/") + ".py"
        for _, module in sorted(inside, key=lambda entry: (-entry[0], entry[1]))
    )
    return Room(package, name, kind, files, sum(lines for lines, _ in inside))


def holds(drawing: Drawing) -> bool:
    """No arrow leads up or round, and every package but the lowest has an arrow that leads down."""
    import networkx as nx

    picture = drawing.picture
    floor = {name: k for k, names in enumerate(FLOORS) for name in names}
    package = [
        "" if node.cluster is None else picture.clusters[node.cluster].title
        for node in picture.nodes
    ]
    leading = {(package[edge.source], package[edge.target]) for edge in picture.edges}
    across = {(a, b) for a, b in leading if a != b}
    graph = nx.DiGraph((edge.source, edge.target) for edge in picture.edges)
    return (
        set(package) == set(PACKAGES)
        and all(floor[a] > floor[b] for a, b in across)
        and {a for a, _ in across} == set(PACKAGES) - {"autograd_core"}
        and nx.is_directed_acyclic_graph(graph)
    )


@figure(
    "architecture",
    statement="Every package stands on those below it: no import leads up, and none leads round in a "
    "circle.",
    example=read_house,
    holds=holds,
)
def draw_architecture(house: House) -> Drawing:
    """Packages as boxes with their folders, and imports as arrows, but those that follow from others.

    An arrow from a to c is left out where arrows lead from a to b and from b to c. One that is part of a
    circle stays, in the colour of backwards.

    Parameters
    ----------
    house : House
        As `read_house` gives it.
    """
    shown, circular = _essential(house)
    packages = sorted({room.package for room in house.rooms}, key=PACKAGES.index, reverse=True)
    nodes = tuple(
        Node(
            room.kind,
            _title(room),
            _lines(room),
            packages.index(room.package),
            (("lines", f"{room.lines:,}"), ("files", ", ".join(room.files))),
        )
        for room in house.rooms
    )
    edges = []
    for a, b in sorted(shown):
        count = house.imports[a, b]
        hover = f"{nodes[a].title} → {nodes[b].title}: {count} import{'s' * (count != 1)}"
        edges.append(Edge(a, b, backward=(a, b) in circular, hover=hover))
    files = sum(len(room.files) for room in house.rooms)
    lines = sum(room.lines for room in house.rooms)
    told = (
        f"{files} files, {lines:,} lines. An arrow leads from what imports to what is imported; "
        f"{len(house.imports) - len(shown)} that follow from others are left out. Arrows in a circle: "
        f"{len(circular)}."
    )
    return Drawing(
        Picture(
            "The house: packages, folders, imports",
            nodes,
            tuple(edges),
            tuple(Cluster(name) for name in packages),
            notes=(told,),
        ),
        engine="layered",
    )


def _essential(house: House) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The imports that do not follow from others, and those that are part of a circle."""
    import networkx as nx

    graph = nx.DiGraph(house.imports.keys())
    whole = nx.condensation(graph)
    of = whole.graph["mapping"]
    circular = {(a, b) for a, b in house.imports if of[a] == of[b]}
    needed = set(nx.transitive_reduction(whole).edges)
    return {(a, b) for a, b in house.imports if (of[a], of[b]) in needed} | circular, circular


def _title(room: Room) -> str:
    if room.kind == "files":
        named = ", ".join(Path(name).stem for name in room.files[:_NAMED])
        return named + (" …" if len(room.files) > _NAMED else "")
    return room.name


def _lines(room: Room) -> tuple[str, ...]:
    count = len(room.files)
    return (f"{count} files, {room.lines:,} lines",) if count > 1 else (f"{room.lines:,} lines",)
