"""Matrix products of every shape and layout against NumPy, in memory with walls around it."""

from __future__ import annotations

import ctypes
import math
import mmap
from typing import NamedTuple

import numpy as np
import pytest

import autograd_core as ag

pytest.importorskip("llvmlite")

from autograd_core.compiler.native.assembly import Code, V, constant
from autograd_core.compiler.native.machine import host
from autograd_core.compiler.native.products import Operand, Round, product, scratch_bytes

LEVELS = (None, "avx2", "baseline")
DTYPES = {"float": np.float32, "double": np.float64}
PAGE = mmap.PAGESIZE
CANARY = -77.0
SLACK = 64  # bytes under watch after the scratch memory


class Case(NamedTuple):
    """One product: strides in elements; ``c`` None where only the epilogue sees the result."""

    kind: str
    m: int
    n: int
    k: int
    a: tuple[int, int]
    b: tuple[int, int]
    c: tuple[int, int] | None
    epilogue: bool = False
    parts: int = 0  # 0: not shared
    zeros: tuple[bool, bool] = (False, False)  # of which operand they win
    rounds: tuple[Round, ...] = ()  # in each of which there are k steps

    @property
    def steps(self):
        return self.k * math.prod(r.times for r in self.rounds)


def row_major(rows, columns, extra=0):
    return (columns + extra, 1)


def column_major(rows, columns, extra=0):
    return (1, rows + extra)


def plain(kind, m, n, k, a="N", b="N", **options):
    """A case without gaps: "N" row-major, "T" the transpose of what is row-major."""
    layout = {"N": row_major, "T": column_major}
    options.setdefault("c", (n, 1))
    return Case(kind, m, n, k, layout[a](m, k), layout[b](k, n), **options)


# --- memory with walls ----------------------------------------------------------------------------


class Walled:
    """Memory that ends (or begins) where the process may not go: a step too far is a crash."""

    def __init__(self, size, at_end):
        size = max(size, 1)
        inner = -(-size // PAGE) * PAGE
        self.map = mmap.mmap(-1, inner + 2 * PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        libc = ctypes.CDLL(None, use_errno=True)
        for wall in (address, address + PAGE + inner):
            assert libc.mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(PAGE), 0) == 0
        start = PAGE + (inner - size if at_end else 0)
        self.array = np.frombuffer(self.map, np.uint8, size, start)
        self.address = address + start


class Matrix:
    """A matrix with any strides, all of whose memory lies between walls; nan fills its gaps.

    ``rounds``: further axes, (size, stride).
    """

    def __init__(self, dtype, rows, columns, strides, at_end, filling, rounds=()):
        shape = (rows, columns, *(n for n, _ in rounds))
        strides = (*strides, *(s for _, s in rounds))
        low = sum(min(0, s * (x - 1)) for s, x in zip(strides, shape, strict=True))
        high = sum(max(0, s * (x - 1)) for s, x in zip(strides, shape, strict=True))
        empty = 0 in shape
        size = np.dtype(dtype).itemsize
        self.memory = Walled(0 if empty else (high - low + 1) * size, at_end)
        if empty:
            self.all, self.address = np.zeros(0, dtype), self.memory.address
            self.view = np.zeros(shape, dtype)
            return
        self.all = self.memory.array.view(dtype)
        self.all[:] = filling
        self.view = np.lib.stride_tricks.as_strided(
            self.all[-low:], shape, [s * size for s in strides]
        )
        self.address = self.memory.address - low * size
        self.outside = np.ones(len(self.all), bool)
        np.lib.stride_tricks.as_strided(self.outside[-low:], shape, list(strides))[...] = False

    def gaps_are(self, filling):
        return not self.all.size or bool(np.all(self.all[self.outside] == filling))


# --- compiling ------------------------------------------------------------------------------------


def relu_of_biased(kind, n):
    """An epilogue: out = max(tile + bias, 0), and one more visit of each element."""

    def epilogue(code, row_start, row_stop, column_start, width, tile, tile_stride):
        assert row_start.type == row_stop.type == column_start.type == "i64"
        assert isinstance(width, int)
        assert isinstance(tile_stride, int)
        with code.loop(row_start, row_stop) as i, code.loop(0, width) as j:
            row = code.binary("sub", i.index, row_start)
            line = code.binary("mul", row, V(str(tile_stride), "i64"))
            x = code.load(code.address(tile, code.binary("add", line, j.index), kind), kind)
            column = code.binary("add", column_start, j.index)
            bias = code.load(code.address(V("%bias", "ptr"), column, kind), kind)
            y = code.fadd(x, bias)
            y = code.select(code.compare("ogt", y, constant(0, kind)), y, constant(0, kind))
            start = code.binary("mul", i.index, V(str(n), "i64"))
            at = code.binary("add", start, column)
            code.store(y, code.address(V("%out", "ptr"), at, kind))
            place = code.address(V("%visits", "ptr"), at, kind)
            code.store(code.fadd(code.load(place, kind), constant(1, kind)), place)

    return epilogue


def written(machine, name, case):
    """A case as a function of LLVM's text, and what it declares."""
    code = Code()
    pointers = {x: V(f"%{x}", "ptr") for x in ("a", "b", "c", "scratch")}
    product(
        code,
        machine,
        case.kind,
        case.m,
        case.n,
        case.k,
        Operand(pointers["a"], *case.a),
        Operand(pointers["b"], *case.b),
        None if case.c is None else Operand(pointers["c"], *case.c),
        pointers["scratch"],
        epilogue=relu_of_biased(case.kind, case.n) if case.epilogue else None,
        share=(V("%part", "i64"), V("%parts", "i64")) if case.parts else None,
        zeros=case.zeros,
        rounds=case.rounds,
    )
    head = f"define void @{name}(ptr %a, ptr %b, ptr %c, ptr %scratch, ptr %bias, ptr %out, ptr %visits, i64 %part, i64 %parts) {{\nentry:\n"
    return head + "\n".join(code.lines) + "\n  ret void\n}\n", code.declared


def check(level, cases, seed=0):
    """Compile the cases into one module, and compare each with NumPy's product in float64."""
    machine = host(level)
    texts, declared = [], {}
    for number, case in enumerate(cases):
        text, needs = written(machine, f"case{number}", case)
        texts.append(text)
        declared.update(needs)
    library = machine.load(machine.assemble("\n".join([*texts, *declared.values()])))
    types = [ctypes.c_void_p] * 7 + [ctypes.c_int64] * 2
    for number, case in enumerate(cases):
        run(machine, library.function(f"case{number}", None, *types), case, seed + number)


def run(machine, function, case, seed):
    kind, m, n, k = case[:4]
    dtype = DTYPES[kind]
    random = np.random.default_rng(seed)
    end = bool(seed % 2)
    a = Matrix(dtype, m, k, case.a, end, np.nan, [(r.times, r.a) for r in case.rounds])
    b = Matrix(dtype, k, n, case.b, end, np.nan, [(r.times, r.b) for r in case.rounds])
    c = Matrix(dtype, m, n, case.c or (n, 1), end, CANARY)
    out, visits = (Matrix(dtype, m, n, (n, 1), end, 0) for _ in range(2))
    bias = Matrix(dtype, 1, n, (n, 1), end, 0)
    for one in (a, b, bias):
        one.view[...] = random.standard_normal(one.view.shape)
    looked_at = case.epilogue or any(case.zeros)
    needed = scratch_bytes(machine, kind, m, n, k, case.a, case.b, case.c, looked_at, case.rounds)
    scratch = Walled(-(-(needed + SLACK) // 64) * 64, True)
    scratch.array[:] = 0xFF  # nan, lest what was not written be read
    assert scratch.address % 64 == 0
    left, right = flat(a.view, b.view)
    exact, size = left @ right, np.abs(left) @ np.abs(right)
    if any(case.zeros) and seed % 4:
        exact, size = spoilt(random, a.view, b.view, case.zeros)
    for part in range(max(case.parts, 1)):
        function(
            a.address, b.address, c.address, scratch.address, bias.address, out.address,
            visits.address, part, max(case.parts, 1),
        )  # fmt: skip
    bound = 2 * max(case.steps, 4) * np.finfo(dtype).eps
    if case.c is not None:
        assert np.array_equal(np.isnan(c.view), np.isnan(exact)), (
            f"{case}: a nan too many or too few"
        )
        error = np.abs(np.where(np.isnan(exact), 0, c.view - exact))
        assert np.all(error <= bound * size), f"{case}: off by {error.max()}"
        assert c.gaps_are(CANARY), f"{case}: wrote beside C"
    if case.epilogue:
        assert np.all(visits.view == 1), f"{case}: visits {np.unique(visits.view)}"
        wanted = np.where(exact + bias.view > 0, exact + bias.view, 0)
        error = np.abs(out.view - wanted)
        room = bound * (size + np.abs(bias.view))
        assert np.all(error <= room), f"{case}: epilogue off by {error.max()}"
    assert np.all(scratch.array[needed:] == 0xFF), f"{case}: wrote behind its scratch memory"


def flat(a, b):
    """Two operands as matrices of doubles, whatever axes their steps are."""
    steps = int(np.prod(b.shape)) // b.shape[1] if b.size else b.shape[0]
    left = a.astype(float).reshape(a.shape[0], steps)
    return left, np.moveaxis(b.astype(float), 1, -1).reshape(steps, b.shape[1])


def spoilt(random, a, b, zeros):
    """Nan where zeros of the other operand win, mostly; the products then, and how large they are."""
    for _ in range(3):
        left = zeros[0] and (not zeros[1] or random.integers(2))
        t, *others = (random.integers(size) for size in (a.shape[1], *a.shape[2:]))
        x, y = a[(slice(None), t, *others)], b[(t, slice(None), *others)]
        (x if left else y)[...] = 0
        (y if left else x)[...] = np.nan
    if random.integers(3) == 0:  # and one that nothing hides
        b[tuple(random.integers(size) for size in b.shape)] = np.nan
    a, b = flat(a, b)
    m, k, n = *a.shape, b.shape[1]
    terms = a[:, :, None].astype(float) * b.astype(float)
    for x, wins in ((a[:, :, None], zeros[0]), (b[None], zeros[1])):
        terms = np.where((x == 0) & wins, 0, terms)
    assert terms.shape == (m, k, n)
    return terms.sum(1), np.nan_to_num(np.abs(terms)).sum(1)


# --- cases ----------------------------------------------------------------------------------------

SHAPES = [
    (1, 1, 1), (1, 1, 2), (1, 1, 100), (1, 2, 1), (2, 1, 1), (3, 5, 1), (17, 33, 1), (1, 33, 17),
    (33, 1, 17), (1, 100, 64), (100, 1, 64), (5, 1, 3), (1, 5, 3), (2, 2, 2), (3, 3, 3), (7, 7, 7),
    (8, 8, 8), (8, 48, 16), (9, 49, 17), (13, 31, 5), (16, 16, 16), (15, 17, 19), (32, 16, 2),
    (32, 1, 16), (2, 16, 32), (16, 1, 32), (32, 16, 1), (64, 10, 64), (64, 64, 10), (65, 129, 63),
    (5, 3, 200), (6, 200, 4), (100, 4, 6), (100, 3, 70), (47, 70, 9),
]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("layouts", ["NN", "TN", "NT", "TT"])
def test_products_of_all_layouts_are_numpys(level, kind, layouts):
    check(level, [plain(kind, m, n, k, *layouts) for m, n, k in SHAPES])


@pytest.mark.parametrize("level", LEVELS)
def test_the_epilogue_sees_each_element_once(level):
    cases = []
    for i, (m, n, k) in enumerate(SHAPES):
        kind = ("float", "double")[i % 2]
        a, b = ("NN", "TN", "NT", "TT")[i % 4]
        cases.append(plain(kind, m, n, k, a, b, epilogue=True))
        cases.append(plain(kind, m, n, k, b, a, epilogue=True, c=None))
    check(level, cases)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("parts", [1, 2, 3, 40])
def test_parts_make_up_the_whole(level, parts):
    cases = []
    for i, (m, n, k) in enumerate(SHAPES[parts % 3 :: 3]):
        kind = ("float", "double")[i % 2]
        a, b = ("NN", "TN", "NT", "TT")[i % 4]
        c = (None, (n, 1), (1, m))[i % 3]
        cases.append(plain(kind, m, n, k, a, b, epilogue=True, parts=parts, c=c))
    check(level, cases)


@pytest.mark.parametrize("level", LEVELS)
def test_large_products_in_blocks(level):
    check(
        level,
        [
            plain("float", 130, 100, 2100),  # k in several goes
            plain("float", 70, 40, 4500, "T", "T", c=(1, 70)),
            plain("double", 300, 70, 1100, "N", "T", epilogue=True, c=None),
            plain("float", 37, 1024, 130, epilogue=True, parts=2),
            plain("float", 400, 210, 300, epilogue=True, parts=3, c=None),
            plain("float", 784, 100, 128, "T", parts=2),
            plain("float", 90, 1024, 64, "N", "T", c=(1025, 1)),
            plain("double", 2000, 3, 40, "N", "T", epilogue=True),
            plain("float", 3, 2000, 40, "T", "T", epilogue=True, c=None),
            plain("float", 5, 1, 5000),
            plain("float", 5, 1, 5000, "T", epilogue=True, parts=3),
            plain("float", 1, 700, 900, "N", "T", epilogue=True),
        ],
    )


@pytest.mark.parametrize("level", LEVELS)
def test_sums_of_nothing_are_zero_and_empty_products_write_nothing(level):
    cases = [plain(kind, 5, 18, 0, c=c, epilogue=True) for kind in DTYPES for c in (None, (18, 1), (1, 5))]  # fmt: skip
    cases += [plain("float", 5, n, 0, a, b, epilogue=True, parts=p) for a, b in ("NN", "TT") for n, p in ((1, 0), (3, 2))]  # fmt: skip
    cases += [plain("float", 1, 9, 0), plain("float", 40, 3, 0, "T", "T")]
    cases += [plain("float", 0, 5, 3), plain("double", 4, 0, 3, epilogue=True), plain("float", 0, 0, 0)]  # fmt: skip
    check(level, cases)


def rounds_of(kind, m, n, k, *rounds, **options):
    """Steps that are no steps of one stride, in A or in B: some cases, of every way of computing."""
    a, b = 1, n
    chained = []  # A's, and B's, as they lie side by side
    for count in reversed(rounds):
        a, b = (a * k, b * k) if not chained else (a * chained[0][0], b * chained[0][0])
        chained.insert(0, (count, a, b))
    total = k * math.prod(rounds)
    wide = [Round(count, s, t + 5) for count, s, t in chained]
    far = [Round(count, s + 3, t) for count, s, t in chained]
    seen = [Round(count, s, 2 * i + 1) for i, (count, s, t) in enumerate(chained)]  # windows
    long = [Round(count, s + 2, total + 7) for count, s, t in chained]
    return [
        Case(kind, m, n, k, (total, 1), (n, 1), (n, 1), rounds=tuple(wide), **options),
        Case(kind, m, n, k, (2 * total, 1), (n, 1), (1, m), rounds=tuple(far), **options),
        Case(kind, m, n, k, (total, 1), (1, 1), (n, 1), rounds=tuple(seen), **options),
        Case(kind, m, n, k, (total, 1), (2, 3), (n, 1), rounds=tuple(seen), **options),
        Case(kind, m, n, k, (5 * total, 1), (1, 3 * total), (n, 1), rounds=tuple(long), **options),
        Case(kind, m, n, k, (1, m), (n, 1), (n, 1), rounds=tuple(r._replace(a=r.a * m) for r in wide), **options),
    ]  # fmt: skip


ROUNDS = (
    (7, 40, 3, 3), (16, 3, 33, 2), (32, 70, 5, 2, 5), (6, 5, 20, 3), (1, 30, 4, 2), (30, 1, 9, 4),
    (13, 2, 8, 2, 2, 2), (3, 9, 2, 3), (40, 33, 9, 40), (70, 11, 6, 3, 4), (20, 160, 5, 3),
)  # fmt: skip


@pytest.mark.parametrize(
    ("level", "kind", "part"),
    [
        ("avx2", "float", slice(0, 2)),
        *(
            pytest.param(level, kind, slice(None), marks=pytest.mark.slow)
            for level in LEVELS
            for kind in DTYPES
        ),
    ],
)
def test_steps_in_rounds_that_no_stride_leads_through(level, kind, part):
    cases = []
    for i, (m, n, k, *rounds) in enumerate(ROUNDS[part]):
        options = {
            "epilogue": i % 2 == 0,
            "parts": (0, 2)[i % 3 == 0],
            "zeros": (i % 4 == 1, i % 4 == 2),
        }
        cases += rounds_of(kind, m, n, k, *rounds, **options)
    # Rounds of an operand that is not packed, as far apart as those of one that is would be.
    cases += [
        Case(kind, 1, 5, 2, (6, 1), (2, 1), (5, 1), rounds=(Round(3, 2, 2 * width),))
        for width in (1, 2, 4, 8, 16, 32)
    ]
    check(level, cases)


@pytest.mark.parametrize("level", LEVELS)
def test_strides_of_views(level):
    cases = []
    for kind in DTYPES:
        cases += [
            Case(kind, 20, 35, 9, (0, 1), (35, 1), (35, 1)),  # rows broadcast
            Case(kind, 20, 35, 9, (9, 0), (35, 1), (35, 1)),
            Case(kind, 20, 35, 9, (9, 1), (0, 1), (36, 1)),
            Case(kind, 20, 35, 9, (9, 1), (1, 0), (35, 1)),
            Case(kind, 20, 35, 9, (0, 0), (0, 0), (1, 20)),
            Case(kind, 30, 20, 7, (2, 1), (20, 1), (20, 1)),  # overlapping windows
            Case(kind, 30, 40, 7, (7, 1), (1, 3), (40, 1)),
            Case(kind, 30, 40, 7, (7, 1), (1, 1), (1, 31)),
            Case(kind, 12, 33, 8, (-8, 1), (33, 1), (33, 1)),  # reversed
            Case(kind, 12, 33, 8, (8, -1), (-33, 1), (33, 1)),
            Case(kind, 12, 33, 8, (8, 1), (33, -1), (33, 1)),
            Case(kind, 12, 33, 8, (1, -12), (-1, 9), (-33, 1)),
            Case(kind, 12, 33, 8, (24, 3), (99, 3), (99, 3)),  # every third
            Case(kind, 12, 33, 8, (24, 3), (99, 3), (-3, 40)),
            Case(kind, 40, 1, 30, (90, 3), (2, 1), (3, 1)),
            Case(kind, 40, 1, 30, (30, 1), (-1, 1), (-1, 1)),
            Case(kind, 40, 1, 30, (1, 0), (1, 1), (1, 1)),
            Case(kind, 40, 1, 30, (0, 1), (1, 1), (2, 7)),
            Case(kind, 1, 40, 30, (1, 2), (80, 2), (1, 2)),
            Case(kind, 1, 40, 30, (1, 0), (1, 30), (0, -1)),
            Case(kind, 70, 3, 20, (1, 70), (1, 20), (1, 70)),
            Case(kind, 70, 3, 20, (20, 1), (1, 20), (4, 1), epilogue=True),
            Case(kind, 70, 64, 40, (40, 1), (4096 // np.dtype(DTYPES[kind]).itemsize, 1), (64, 1)),
            Case(kind, 40, 64, 40, (4096 // np.dtype(DTYPES[kind]).itemsize, 1), (64, 1), (70, 1)),
        ]
    check(level, cases)
    shared = [c._replace(epilogue=True, parts=2, c=c.c if i % 2 else None) for i, c in enumerate(cases)]  # fmt: skip
    check(level, shared, seed=1)


def drawn(random):
    """A case of chance: sizes small, odd, or at a vector's edge; strides of all kinds."""

    def size():
        how = random.integers(4)
        if how == 0:
            return int(random.integers(1, 5))
        if how == 1:
            return int(random.integers(1, 40))
        if how == 2:
            return int(random.choice([8, 16, 32, 48, 64])) + int(random.integers(-1, 2))
        return int(random.integers(1, 130))

    def strides(rows, columns, written=False):
        extra = int(random.choice([0, 0, 1, 5]))
        choices = [
            row_major(rows, columns, extra),
            row_major(rows, columns, extra),
            column_major(rows, columns, extra),
            (-(columns + extra), 1),
            (2 * columns, 2),
            (1, -(rows + extra)),
        ]
        if not written:
            choices += [(0, 1), (1, 0), (1, 1), (3, 1), (1, 2)]
        return choices[random.integers(len(choices))]

    m, n, k = size(), size(), size()
    c = strides(m, n, written=True)
    epilogue = bool(random.integers(2))
    return Case(
        ("float", "double")[random.integers(2)],
        m,
        n,
        k,
        strides(m, k),
        strides(k, n),
        None if epilogue and random.integers(2) else c,
        epilogue,
        int(random.choice([0, 0, 1, 2, 3])),
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 4))]
)
def test_products_of_chance(level, seed):
    random = np.random.default_rng(seed)
    check(level, [drawn(random) for _ in range(40)], seed)


WINNING = ((True, False), (False, True), (True, True))


@pytest.mark.parametrize("level", LEVELS)
def test_zeros_win_in_every_way_of_computing(level):
    cases = []
    for i, (m, n, k) in enumerate([*SHAPES[::2], (40, 30, 2100), (150, 130, 120), (3, 300, 700)]):
        kind, layouts = ("float", "double")[i % 2], ("NN", "TN", "NT", "TT")[i % 4]
        c = (None, (n, 1), (1, m))[i % 3]
        options = {"epilogue": c is None or i % 5 == 0, "parts": (0, 2, 3)[i // 2 % 3], "c": c}
        cases += [
            plain(kind, m, n, k, *layouts, **options, zeros=zeros)
            for zeros in (WINNING if i % 7 == 0 else WINNING[i % 2 : i % 2 + 1])
        ]
    with np.errstate(invalid="ignore"):
        check(level, cases)


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(3))
def test_zeros_win_in_products_of_chance(level, seed):
    random = np.random.default_rng(100 + seed)
    cases = [drawn(random)._replace(zeros=WINNING[i % 3]) for i in range(40)]
    with np.errstate(invalid="ignore"):
        check(level, cases, seed)


def test_products_of_nan_and_infinity_are_numpys():
    # A tail must not multiply what is not there: 0 times infinity is nan.
    case = plain("float", 5, 19, 3)
    machine = host()
    text, declared = written(machine, "case", case)
    library = machine.load(machine.assemble("\n".join([text, *declared.values()])))
    function = library.function("case", None, *[ctypes.c_void_p] * 7, *[ctypes.c_int64] * 2)
    a, b = np.ones((5, 3), np.float32), np.ones((3, 19), np.float32)
    a[1, 1], a[4, 2], b[2, 18] = np.nan, np.inf, -np.inf
    c, scratch = np.empty((5, 19), np.float32), np.empty(1 << 16, np.uint8)
    start = -scratch.ctypes.data % 64
    function(
        a.ctypes.data, b.ctypes.data, c.ctypes.data, scratch.ctypes.data + start, 0, 0, 0, 0, 1
    )
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [16, 100, 128])
def test_columns_that_would_crowd_in_the_cache_are_copied_into_rows(dtype, m):
    """xᵀ g of long batches, as for weights: rows of x a multiple of 512 bytes apart, and others."""
    rng = np.random.default_rng(0)
    x, g = rng.normal(size=(260, 128)).astype(dtype), rng.normal(size=(260, 256)).astype(dtype)
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    run = ag.jit(lambda x, g: x[:, :m].T @ g)
    np.testing.assert_allclose(run(x, g).numpy(), x[:, :m].T @ g, rtol=tolerance, atol=tolerance)
    x[3] = np.inf  # a zero of a cotangent wins over it
    there = np.arange(260)[:, None] != 3
    slope = ag.grad(lambda w, x, g: ag.sum(ag.where(there, x[:, :m] @ w, 0) * g))
    w = np.zeros((m, 256), dtype)
    with np.errstate(all="ignore"):
        expected = slope(w, x, g).numpy()
        found = ag.jit(slope)(w, x, g).numpy()
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
