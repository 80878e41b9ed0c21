"""Quick paths of eager forwards: beside NumPy's own, plain and slow, on everything that they take."""

import random

import numpy as np
import pytest
from scipy import special

import autograd_core as ag
from autograd_core.ops import contractions, indexing
from autograd_core.shelves import ARRAYS


def layouts(x, rng):
    """An array as it is, in Fortran's order, and seen backwards."""
    yield x
    yield np.asfortranarray(x)
    yield np.flip(np.flip(x).copy()) if rng.random() < 0.5 else x[::-1] if x.ndim else x


@pytest.mark.parametrize("seed", range(4))
def test_two_operands_contract_as_einsum_does(seed, monkeypatch):
    """Random subscripts, sizes 1 and memory orders, with and without a limit for BLAS."""
    if seed % 2:
        monkeypatch.setattr(contractions, "_SMALL", 1)
        monkeypatch.setattr(contractions, "_LARGE", 1)
    contractions._plan.cache_clear()
    pick, rng = random.Random(seed), np.random.default_rng(seed)
    by_matrices = 0
    for _ in range(700):
        sizes = {c: pick.choice([1, 2, 3, 5, 9]) for c in "abcdef"}
        first, second = ("".join(pick.sample("abcdef", pick.randint(1, 5))) for _ in range(2))
        known = sorted(set(first + second))
        pick.shuffle(known)
        result = "".join(known[: pick.randint(0, len(known))])
        a, b = (
            pick.choice(list(layouts(rng.normal(size=[sizes[c] for c in term]), rng)))
            for term in (first, second)
        )
        text = f"{first},{second}->{result}"
        by_matrices += contractions._plan(text, a.shape, b.shape) is not None
        y, expected = ARRAYS.einsum_(a, b, subscripts=text), np.einsum(text, a, b)
        assert y.shape == expected.shape, text
        np.testing.assert_allclose(y, expected, atol=1e-10, err_msg=text)
    contractions._plan.cache_clear()
    assert by_matrices > 30


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "i4"])
def test_zeros_are_chosen_bit_by_bit(dtype, rng):
    """`where` with a 0: of whole arrays and parts, in every order of memory, of every value."""
    special_values = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, -1.5]
    x = rng.choice(special_values, (70, 9, 8)) if "f" in dtype else rng.integers(-3, 3, (70, 9, 8))
    whole = x.astype(dtype)
    for a in (*layouts(whole, rng), whole.transpose(2, 0, 1), whole[::-1, :, 1:]):
        for condition in (*layouts(rng.random(a.shape) < 0.5, rng), rng.random(a.shape[1:]) < 0.5):
            for operands in ((condition, 0, a), (condition, a, 0), (condition, 0.0, a)):
                found, expected = ARRAYS.where(*operands), np.where(*operands)
                assert found.dtype == expected.dtype
                assert found.shape == expected.shape
                np.testing.assert_array_equal(found, expected)
                np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "f2", "i4"])
def test_a_choice_is_numpys_bit_for_bit(dtype, rng):
    """`where` of arrays and numbers: special values, orders of memory, parts, weak and strong numbers."""
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 1.5] if "f" in dtype else [0, 1, 2]
    numbers = [
        np.float32(2),
        np.float64(2),
        np.array(1, dtype),
        2.5,
        3,
        -(2**30),
        np.nan,
        1e300,
        True,
    ]
    for shape in [(5000,), (100, 60), (2, 50, 50)]:
        arrays = [np.asarray(rng.choice(special, size=shape), dtype) for _ in range(2)]
        for condition in (*layouts(rng.random(shape) > 0.5, rng), True, np.False_):
            for array in layouts(arrays[0], rng):
                for other in (arrays[1], arrays[1][:1], *numbers):
                    for a, b in [(array, other), (other, array)]:
                        with np.errstate(all="ignore"):
                            found, expected = (
                                ARRAYS.where(condition, a, b),
                                np.where(condition, a, b),
                            )
                        assert found.dtype == expected.dtype
                        assert found.tobytes() == expected.tobytes()


def test_windows_add_up_where_they_came_from(rng):
    """Any numbers and sizes, steps, dilations, rests and orders of memory: the loop over all elements."""
    for _ in range(400):
        number, size, step, dilation = rng.integers(1, 5, 4)
        length = (number - 1) * step + (size - 1) * dilation + 1 + rng.integers(step)
        order = rng.permutation(4)
        shape = np.array([2, number, 3, size])
        x = rng.normal(size=shape[order]).transpose(np.argsort(order))
        expected = np.zeros((2, length, 3))
        for i, j in np.ndindex(number, size):
            expected[:, i * step + j * dilation] += x[:, i, :, j]
        found = ARRAYS.overlap_add(x, axis=1, step=step, dilation=dilation, length=length)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
        seen = ARRAYS.windows(expected, axis=1, size=size, step=step, dilation=dilation)
        assert seen.shape == x.shape


@pytest.mark.parametrize("name", ["sum", "max"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_short_windows_are_folded_place_by_place(name, dtype, rng):
    """Windows of an axis, or of two, that lie anywhere in memory."""
    image = rng.normal(size=(3, 12, 13, 8)).astype(dtype)
    image[rng.random(image.shape) < 0.01] = np.nan
    folds = {"sum": np.add, "max": np.maximum}
    for x in (image, image.transpose(3, 2, 1, 0), image.transpose(1, 2, 3, 0)[::-1]):
        one = ARRAYS.windows(x, axis=1, size=3, step=2, dilation=2)
        two = ARRAYS.windows(one, axis=2, size=2, step=1, dilation=1)
        for seen, axis in ((one, (4,)), (two, (4, 5)), (two, (5,)), (two, (0, 5))):
            for keepdims in (False, True):
                found = getattr(ARRAYS, name)(seen, axis=axis, keepdims=keepdims)
                expected = folds[name].reduce(seen, axis=axis, keepdims=keepdims)
                np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_erf_is_right_to_the_last_digits(dtype):
    x = np.concatenate(
        [
            np.linspace(-7, 7, 30_001),
            [0.0, -0.0, np.inf, -np.inf, 0.84375, 0.921875, 1.25, 1 / 0.35, 4, 6, 1e-30],
        ]
    ).astype(dtype)
    y, expected = ag.erf(x).numpy(), special.erf(x.astype(np.float64))
    assert y.dtype == dtype
    ulp = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    assert np.max(np.abs(y - expected) / ulp) <= {2: 0.51, 4: 1.4, 8: 4}[dtype().itemsize]
    assert np.signbit(ag.erf(np.array(-0.0, dtype)).numpy())
    assert np.isnan(ag.erf(np.array([np.nan, -np.nan], dtype)).numpy()).all()
    assert ag.erf(np.zeros((0, 3), dtype)).shape == (0, 3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_argsort_is_stable(axis):
    """Without ties, with ties, with zeros of both signs and with several nan."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(40, 50))
    tied = rng.integers(0, 9, (40, 50)).astype(float)
    zeros = np.where(
        rng.random((40, 50)) < 0.1, -0.0, np.where(rng.random((40, 50)) < 0.1, 0.0, plain)
    )
    holes = np.where(rng.random((40, 50)) < 0.1, np.nan, plain)
    for x in (plain, tied, zeros, holes, plain[:1, :1], plain[:0], np.asfortranarray(tied)):
        order = ag.argsort(x, axis).numpy()
        np.testing.assert_array_equal(order, np.argsort(x, axis, kind="stable"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("unique", [True, False])
def test_rows_are_added_where_they_came_from(dtype, unique):
    rng = np.random.default_rng(1)
    for axis, shape in ((0, (7, 3)), (1, (3, 7, 2)), (2, (2, 3, 7)), (0, (7,))):
        for places in (
            rng.permutation(7)[:5] if unique else rng.integers(-7, 7, 11),
            np.zeros((0,), int),
        ):
            index = (*(slice(None),) * axis, places)
            values = rng.integers(-9, 9, np.zeros(shape)[index].shape).astype(dtype)
            expected = np.zeros(shape, dtype)
            np.add.at(expected, index, values)
            x = ag.tensor(np.zeros(shape), requires_grad=True)
            taken = x[index]
            np.testing.assert_array_equal(taken.numpy(), np.zeros(shape)[index])
            pattern = taken._params["pattern"]
            found = ARRAYS.scatter_add(values, places, pattern=pattern, shape=shape)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, expected)


def test_single_places_are_added_as_numpy_adds_them():
    rng = np.random.default_rng(2)
    for dtype in (np.float32, np.float64):
        for low in (0, -5):
            rows, columns = rng.integers(low, 5, 40), rng.integers(low, 5, 40)
            x = ag.tensor(rng.normal(size=(5, 5)).astype(dtype), requires_grad=True)
            g = rng.normal(size=40).astype(dtype)
            x[rows, columns].backward(g)
            expected = np.zeros((5, 5), dtype)
            np.add.at(expected, (rows, columns), g)
            np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)
    x = ag.tensor(rng.normal(size=(4, 6)), requires_grad=True)
    places = rng.integers(0, 6, (4, 9))
    ag.take_along_axis(x, places, 1).backward(np.ones((4, 9)))
    expected = np.stack([np.bincount(row, minlength=6) for row in places])
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    with pytest.raises(ag.ShapeError):
        ag.take_along_axis(x, places + 1, 1)


@pytest.mark.parametrize("ufunc", ["max", "sum"])
def test_short_rows_fold_as_long_ones_do(ufunc):
    rng = np.random.default_rng(3)
    for shape, axis in (((40, 2, 30, 2), (1, 3)), ((4000, 3), (1,)), ((700, 3, 3), (1, 2))):
        x = rng.normal(size=shape)
        x.flat[::97] = np.nan
        for keepdims in (False, True):
            y = getattr(ag, ufunc)(x, axis, keepdims=keepdims).numpy()
            expected = getattr(np, ufunc)(x, axis, keepdims=keepdims)
            assert y.shape == expected.shape
            np.testing.assert_allclose(y, expected, rtol=1e-14)


def test_parts_are_added_in_place_and_never_into_what_others_hold():
    """Slices and rows of one tensor, whole uses of it between them, and a gradient used twice."""
    rng = np.random.default_rng(4)
    start, weights = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))

    def loss(x):
        y = x * 2.0
        whole = ag.sum(y * weights)  # its cotangent is an array that `multiply` made
        parts = [ag.sum(y[i] * y[(i + 1) % 6]) for i in range(6)]
        rows = ag.sum(y[np.array([0, 0, 3])] ** 2) + ag.sum(y[:, 1:3]) + ag.sum(y[2:5, None] ** 2)
        same = y + y  # two operands, one cotangent
        return (
            whole + sum(parts[1:], parts[0]) + rows + ag.sum(same[0]) + ag.sum(same[0] * weights[0])
        )

    x = ag.tensor(start, requires_grad=True)
    loss(x).backward()
    step = 1e-6
    expected = np.zeros_like(start)
    for place in np.ndindex(start.shape):
        moved = start.copy()
        moved[place] += step
        up = float(loss(ag.tensor(moved)))
        moved[place] -= 2 * step
        expected[place] = (up - float(loss(ag.tensor(moved)))) / (2 * step)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6, atol=1e-7)
    # The same walk, recorded: nothing is added in place there.
    x.grad = None
    loss(x).backward(create_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6, atol=1e-7)
    seed = np.ones((6, 4))
    z = ag.tensor(start, requires_grad=True)
    joined = ag.concatenate([z[:3], z[3:], z[1:2]])
    joined.backward(np.concatenate([seed, seed[:1]]))
    assert (seed == 1).all()
    np.testing.assert_array_equal(z.grad.numpy()[:, 0], [1, 2, 1, 1, 1, 1])


@pytest.mark.parametrize("size", [3, 90_000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_places_that_are_taken_often_are_counted_in_every_dtype(dtype, size):
    """The second gather of a tensor is added in its place: few parts of a large whole, too."""
    x = ag.tensor(np.ones(size, dtype), requires_grad=True)
    places = np.zeros(5000, int)
    ag.sum(ag.cast(x[places] + x[places] + x[places][::-1], dtype=np.float64)).backward()
    assert x.grad.dtype == dtype
    assert (x.grad[0], x.grad[1]) == (15_000, 0)


@pytest.mark.parametrize("char", list("bBhHiIlL"))
def test_places_are_counted_whatever_integers_they_are(char, rng):
    """Narrow ones wrap: counted from the end, and from the last place on to the first."""
    low, high = np.iinfo(char).min, np.iinfo(char).max + 1
    for size in (5, 128, 256, 300, 40_000):
        first, last = max(low, -size), min(size, high)
        for places in (
            rng.integers(first, last, 12),
            np.arange(last - 6, last + 6) % last,
            np.arange(last + 6, last - 6, -1) % last,
            np.repeat([0, last - 1, 0], 5),
        ):
            places = places.astype(char)
            for shape, key in (((size, 7), places), ((2, size), (slice(None), places))):
                x = rng.normal(size=shape)
                weights = rng.normal(size=x[key].shape)
                due = np.zeros(shape)
                np.add.at(due, key, weights)
                t = ag.tensor(x, requires_grad=True)
                np.testing.assert_array_equal(t[key].detach().numpy(), x[key])
                ag.sum(t[key] * weights + t[key] * weights).backward()
                np.testing.assert_allclose(t.grad.numpy(), 2 * due, rtol=1e-12)


def test_runs_of_places_are_cut_as_rows_are_taken(monkeypatch):
    """What padding asks for, repeated and turned places, and places without any order."""
    monkeypatch.setattr(indexing, "_LITTLE", 0)
    rng, by_slices = np.random.default_rng(5), 0
    for _ in range(1500):
        n = int(rng.integers(1, 12))
        places = [
            rng.integers(0, n, rng.integers(1, 20)),
            np.pad(
                np.arange(n), rng.integers(0, 9, 2), mode=rng.choice(["reflect", "edge", "wrap"])
            ),
            np.arange(n)[::-1],
            np.repeat(rng.integers(0, n, 3), rng.integers(1, 9, 3)),
            np.tile(np.arange(n), rng.integers(1, 5)),
            rng.integers(-n, n, rng.integers(1, 20)),
        ][rng.integers(6)]
        by_slices += indexing._runs(places, n) is not None
        x, g = rng.normal(size=(3, n, 2)), rng.normal(size=(3, len(places), 2))
        expected = np.zeros(x.shape)
        np.add.at(expected, (slice(None), places), g)
        np.testing.assert_array_equal(indexing._taken(x, places, 1), x[:, places])
        np.testing.assert_allclose(
            indexing._added_rows(g, places, 1, x.shape), expected, atol=1e-13
        )
    assert by_slices > 300
