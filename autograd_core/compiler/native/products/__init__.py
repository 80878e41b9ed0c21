"""Matrix products as instructions: register tiles of the exact shape, panels packed where that pays.

C = A B is computed in one of three ways, the one that seems cheapest for the shape and strides:

- *panels*: a few vectors of columns at a time. Tiles of a few rows stay in registers while the loop
  over k goes by: each step loads the panel's row, and one number for each of the tile's rows. Panels
  whose rows lie far apart, or whose columns are not side by side, are copied into scratch memory first.
- *turned*: Cᵀ = Bᵀ Aᵀ in panels, turned around in registers as it is stored; for a few columns, of which
  a vector would be half empty, where the columns of A lie side by side.
- *dots*: vectors along k, folded at the end; for one or a few columns (or rows) and a long k.

A product of (96, 96) matrices of doubles with 16 registers of four: panels, in tiles of 6 rows by 2
vectors, 6 panels (48 columns) to a group::

    for g in 0, 1:                            two threads: a group each
        for column in 48 g, 48 g + 8, … :     a panel: 8 columns of B, which stay in the nearest cache
            for i in 0, 6, …, 90:             a tile: 12 sums in registers, from 0
                for k in 0 … 95:
                    B[k, column : + 8] as 2 vectors;  A[i + r, k] spread, for 6 rows r;  12 fused steps
                the sums to C[i : + 6, column : + 8]
        the epilogue on C[:, 48 g : + 48]     bias, activation: while it is in the cache

At (128, 128) rows lie 1024 bytes apart, and a panel's would crowd in a few places of the cache: each is copied first.

`plans` says which way, and how large its parts; `scratch` where they lie. `writer` is what the ways (`panels`,
`turned`, `dots`) have in common, on `emitter`: integers, addresses and loops, as far as they are known. `tiles` is the
innermost loop, `packing` makes the copies, `shuffles` rearranges vectors, and `zeros` lets zeros win.
"""

from __future__ import annotations

from ..assembly import Code, V
from ..machine import Machine
from .dots import Dots
from .operands import BYTES, Epilogue as Epilogue, Operand as Operand, Round as Round
from .panels import Panels
from .plans import planned, settled
from .scratch import is_direct, packed_bytes, tile_bytes
from .turned import Turned
from .writer import Writer

__all__ = ["Epilogue", "Operand", "Round", "product", "scratch_bytes"]

_WAYS: dict[str, type[Writer]] = {"panels": Panels, "turned": Turned, "dots": Dots}


def scratch_bytes(
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a_strides: tuple[int, int],
    b_strides: tuple[int, int],
    c_strides: tuple[int, int] | None,
    epilogue: bool,
    rounds: tuple[Round, ...] = (),
) -> int:
    """Bytes of scratch memory that `product` needs."""
    if 0 in (m, n):
        return 0
    a, b = settled(m, n, k, a_strides, b_strides)
    direct = is_direct("panels", m, n, c_strides, epilogue)
    plan = planned(machine, kind, m, n, k, a, b, direct, rounds)
    tile = is_direct(plan.way, m, n, c_strides, epilogue)
    return packed_bytes(plan, kind, n) + (0 if tile else tile_bytes(plan, kind, m, n))


def product(
    code: Code,
    machine: Machine,
    kind: str,
    m: int,
    n: int,
    k: int,
    a: Operand,
    b: Operand,
    c: Operand | None,
    scratch: V,
    *,
    epilogue: Epilogue | None = None,
    share: tuple[V, V] | None = None,
    zeros: tuple[bool, bool] = (False, False),
    rounds: tuple[Round, ...] = (),
) -> None:
    """Write C = A B at the present place.

    Parameters
    ----------
    kind : str
        "float" or "double".
    m, n, k : int
        A is (m, k), B is (k, n), C is (m, n).
    c : Operand, optional
        None: the result is seen by the epilogue alone.
    scratch : V
        `scratch_bytes` of memory, aligned to 64 bytes.
    epilogue : callable, optional
        ``epilogue(code, row_start, row_stop, column_start, width, tile, tile_stride)`` writes what is
        done where that part of C is complete, in row-major memory at ``tile``.
    share : (V, V), optional
        This thread's part, and the number of parts.
    zeros : (bool, bool)
        Whether a zero of A, and of B, wins over an infinity or a nan.
    rounds : tuple of Round
        In each of which there are k steps: A is (m, rounds, k) and B (rounds, k, n).
    """
    if 0 in (m, n):
        return
    a_strides, b_strides = settled(m, n, k, (a.rows, a.columns), (b.rows, b.columns))
    strides = None if c is None else (c.rows, c.columns)
    direct = is_direct("panels", m, n, strides, epilogue is not None or any(zeros))
    plan = planned(machine, kind, m, n, k, a_strides, b_strides, direct, rounds)
    a, b = Operand(a.pointer, *a_strides), Operand(b.pointer, *b_strides)
    way = _WAYS[plan.way]
    full = machine.lanes(BYTES[kind])
    way(code, kind, m, n, k, a, b, c, scratch, epilogue, share, plan, zeros, full, rounds).write()
