"""Transforms of pictures: against SciPy, against their own parameters, and what they guard."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import ConfigError, DTypeError, ShapeError
from nn.catalogue import public_modules
from nn.data import (
    Augmentation,
    Compose,
    Crop,
    Elastic,
    Erasing,
    Flip,
    Mixup,
    OneOf,
    Reach,
    Rotation,
    Shear,
    Shift,
    Stretch,
)

DIGITS = tuple("0123456789")
MAKERS = {
    "Rotation": lambda **o: Rotation(20, **o),
    "Rotation, nearest": lambda **o: Rotation(20, fill="nearest", **o),
    "Shift": lambda **o: Shift(0.2, **o),
    "Stretch": lambda **o: Stretch(1.1, **o),
    "Stretch, zoom": lambda **o: Stretch(1.2, keep_aspect=True, **o),
    "Shear": lambda **o: Shear(15, **o),
    "Flip": lambda **o: Flip(classes=["a"], **o),
    "Elastic": lambda **o: Elastic(8.0, 2.0, **o),
    "Crop": lambda **o: Crop(0.8, **o),
    "Erasing": lambda **o: Erasing(p=0.9, **o),
    "OneOf": lambda rng: OneOf(Rotation(20, rng=rng), Shift(0.2, rng=rng), rng=rng),
    "Compose": lambda rng: Compose(Rotation(20, rng=rng), nn.GaussianNoise(0.1, rng=rng)),
}
EACH = pytest.mark.parametrize("name", MAKERS)


def pictures(count=4, shape=(9, 11), dtype=np.float64):
    return np.random.default_rng(0).uniform(size=(count, *shape)).astype(dtype)


def made(name, seed=0):
    return MAKERS[name](rng=np.random.default_rng(seed))


# What all of them have in common ------------------------------------------------------------------


@EACH
def test_each_picture_is_changed_by_itself_in_training_alone(name):
    x = np.repeat(pictures(1), 6, axis=0)
    layer = made(name)
    y = layer(x).numpy()
    assert len({picture.tobytes() for picture in y}) > 1
    assert np.any(y != layer(x).numpy())
    if name != "Crop":
        np.testing.assert_array_equal(layer.eval()(x).numpy(), x)


@EACH
def test_channels_of_a_picture_are_changed_alike(name):
    x = pictures(3)
    if name in ("Compose",):  # noise is drawn for each channel
        return
    one, three = made(name), made(name)
    alone = one(x).numpy()
    both = three(np.stack([x, 2 * x], axis=1)).numpy()
    np.testing.assert_allclose(both[:, 0], alone, atol=1e-12)
    if name != "Erasing":
        np.testing.assert_allclose(both[:, 1], 2 * alone, atol=1e-12)


@EACH
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_and_input_stay_as_they_are(name, dtype):
    x = pictures(dtype=dtype)
    x.flags.writeable = False
    layer = made(name)
    y = layer(x)
    assert y.dtype == dtype
    twin = made(name)(x.astype(np.float64)).numpy()
    tolerance = {np.float16: 2e-2, np.float32: 1e-5, np.float64: 0}[dtype]
    if name not in ("Erasing", "Compose"):  # a pixel may lie on one side of an edge or on the other
        np.testing.assert_allclose(y.numpy(), twin, atol=tolerance)
    swapped = made(name)(x.astype(x.dtype.newbyteorder(">")))
    np.testing.assert_array_equal(swapped.numpy(), y.numpy())


@EACH
def test_batches_of_none_and_of_one(name):
    layer = made(name)
    assert layer(np.zeros((0, 6, 6))).shape[0] == 0
    assert np.isfinite(layer(pictures(1)).numpy()).all()
    assert np.isfinite(layer(np.ones((1, 1, 1)))).all()


@EACH
def test_what_is_no_batch_of_pictures_is_named(name):
    layer = made(name)
    state = layer.state_dict()
    for x, error, words in (
        (np.ones((4, 5)), ShapeError, r"One picture is x\[None\]"),
        (np.ones(4), ShapeError, "Reshape one flat picture"),
        (np.ones((1, 1, 1, 2, 2)), ShapeError, r"\(N, C, H, W\)"),
        (np.ones((2, 0, 3)), ShapeError, "received"),
        (np.ones((2, 28, 28, 3)), ShapeError, r"transpose\(0, 3, 1, 2\)"),
        (np.ones((2, 4, 4), np.uint8), DTypeError, r"images\.astype\(np\.float32\) / 255"),
        (np.ones((2, 4, 4), bool), DTypeError, "received bool"),
        (np.ones((2, 4, 4), complex), DTypeError, "complex"),
        (np.array([[["a"]]]), DTypeError, "floats"),
        (np.ma.masked_equal(np.ones((2, 4, 4)), 0), DTypeError, "masked"),
    ):
        with pytest.raises(error, match=words):
            layer(x)
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, state[key])


@EACH
def test_a_resumed_layer_goes_on_alike(name, tmp_path):
    x = pictures()
    layer, other = made(name, 0), made(name, 1)
    layer(x)
    layer.save(tmp_path / "state")
    other.load(tmp_path / "state")
    twin = copy.deepcopy(layer)
    after = layer(x).numpy()
    np.testing.assert_array_equal(other(x).numpy(), after)
    np.testing.assert_array_equal(twin(x).numpy(), after)


@EACH
def test_it_trains_inside_of_a_compiled_step(name):
    pytest.importorskip("llvmlite")
    x = pictures(6, (6, 6), np.float32)
    size = 25 if name == "Crop" else 36

    def run(jit):
        model = nn.Sequential(made(name), nn.Flatten(), nn.Linear(size, 2, rng=0))

        def step(x):
            loss = ag.mean(ag.square(model(x)))
            model.zero_grad()
            loss.backward()
            return loss

        compiled = ag.jit(step) if jit else step
        return [float(compiled(x).detach()) for _ in range(3)]

    np.testing.assert_allclose(run(True), run(False), rtol=1e-5)


# Each against a computation of its own ------------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, 0.7, "nearest"])
def test_places_between_pixels_are_those_of_scipy(fill):
    ndimage = pytest.importorskip("scipy.ndimage")
    from nn.data.augmentation._sampling import sampled

    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 2, 7, 5))
    rows, columns = rng.uniform(-3, 9, (3, 6, 4)), rng.uniform(-3, 7, (3, 6, 4))
    rows[0, 0, :3], columns[0, 0, :3] = (0, 6, 3), (4, 0, 2.5)
    found = sampled(ag.tensor(x), ag.tensor(rows), ag.tensor(columns), fill).numpy()
    mode = {"mode": "nearest"} if fill == "nearest" else {"mode": "grid-constant", "cval": fill}
    for n in range(3):
        for c in range(2):
            at = [rows[n], columns[n]]
            expected = ndimage.map_coordinates(x[n, c], at, order=1, **mode)
            np.testing.assert_allclose(found[n, c], expected, atol=1e-12)


@pytest.mark.parametrize(
    "make", [lambda: Rotation(180, confirmed=True, rng=0), lambda: Stretch(1.4, confirmed=True, rng=0),
             lambda: Shear(40, confirmed=True, rng=0)],
)  # fmt: skip
def test_matrices_are_those_of_scipy(make):
    ndimage = pytest.importorskip("scipy.ndimage")
    x, layer = pictures(5), make()
    y, amounts = layer(x).numpy(), layer.newest(5)
    middle = (np.array(x.shape[1:]) - 1) / 2
    for before, after, amount in zip(x, y, amounts, strict=True):
        angle = np.radians(amount[0])
        matrix = {
            Rotation: [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]],
            Stretch: np.diag(1 / amount[[0, -1]]),
            Shear: [[1, 0], [np.tan(angle), 1]],
        }[type(layer)]
        expected = ndimage.affine_transform(
            before, matrix, middle - matrix @ middle, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(after, expected, atol=1e-12)


def test_a_rotation_turns_against_the_clock_and_a_stretch_of_2_enlarges():
    layer = Rotation(180, confirmed=True, rng=0)
    x = np.zeros((40, 9, 9))
    x[:, 4, 8] = 1  # to the right of the middle
    y, angles = layer(x).numpy(), np.radians(layer.newest(40)[:, 0])
    i, j = np.mgrid[:9, :9] - 4
    for picture, angle in zip(y, angles, strict=True):
        at = np.array([(picture * i).sum(), (picture * j).sum()]) / picture.sum()
        np.testing.assert_allclose(
            np.arctan2(-at[0], at[1]) % (2 * np.pi), angle % (2 * np.pi), atol=0.15
        )
    zoom = Stretch(2.0, keep_aspect=True, confirmed=True, rng=0)
    blob = np.zeros((20, 21, 21))
    blob[:, 8:13, 8:13] = 1
    grown, factors = zoom(blob).numpy().sum(axis=(1, 2)) / 25, zoom.newest(20)[:, 0]
    large = factors > 1
    assert large.any()
    np.testing.assert_allclose(grown[large], factors[large] ** 2, rtol=0.1)


def test_amounts_are_spread_evenly():
    turns = Rotation(30, confirmed=True, rng=0)
    turns(np.ones((4000, 1, 1)))
    found = turns.newest(4000)[:, 0]
    assert abs(found).max() <= 30
    np.testing.assert_allclose(np.histogram(found, 6, (-30, 30))[0] / 4000, 1 / 6, atol=0.03)
    zoom = Stretch(1.5, confirmed=True, rng=0)
    zoom(np.ones((4000, 1, 1)))
    logs = np.log(zoom.newest(4000))
    np.testing.assert_allclose(logs.mean(axis=0), 0, atol=0.02)
    assert abs(logs).max() <= np.log(1.5)
    assert abs(np.corrcoef(logs.T)[0, 1]) < 0.05


def test_a_shift_moves_whole_pixels_all_equally_often():
    x = np.zeros((3000, 10, 7))
    x[:, 5, 3] = 1
    y = Shift(0.3, confirmed=True, rng=0)(x).numpy()
    at = np.argwhere(y == 1)
    assert len(at) == 3000
    assert y.sum() == 3000
    for axis, (middle, most) in enumerate(((5, 3), (3, 2))):
        counts = np.bincount(at[:, 1 + axis] - middle + most, minlength=2 * most + 1) / 3000
        np.testing.assert_allclose(counts, 1 / (2 * most + 1), atol=0.03)


def test_flips_mirror_about_half_of_the_pictures():
    x = pictures(400)
    for way, axis in (("left-right", 2), ("upside-down", 1)):
        y = Flip(way, 0.3, confirmed=True, rng=0)(x).numpy()
        turned = (y == np.flip(x, axis)).all(axis=(1, 2))
        assert ((y == x).all(axis=(1, 2)) ^ turned).all()
        assert abs(turned.mean() - 0.3) < 0.07
    np.testing.assert_array_equal(Flip(p=0.0, rng=0)(x).numpy(), x)
    np.testing.assert_array_equal(Flip(p=1.0, confirmed=True)(x).numpy(), x[:, :, ::-1])


def test_elastic_fields_are_smoothed_as_scipy_does_and_as_large_as_it_says():
    ndimage = pytest.importorskip("scipy.ndimage")
    from nn.data.augmentation.elastic import _smoothing

    field = np.random.default_rng(0).uniform(-1, 1, (30, 25))
    ours = _smoothing(30, 2.5) @ field @ _smoothing(25, 2.5).T
    np.testing.assert_allclose(
        ours, ndimage.gaussian_filter(field, 2.5, mode="constant"), atol=1e-12
    )
    # a ramp shows by how much pixels were moved
    layer = Elastic(20.0, 2.0, fill="nearest", confirmed=True, rng=0)
    ramp = np.broadcast_to(np.arange(60.0)[:, None], (8, 60, 60))
    moved = (layer(ramp).numpy() - ramp)[:, 10:-10, 10:-10]
    np.testing.assert_allclose(np.sqrt((moved**2).mean()), layer.move, rtol=0.1)
    np.testing.assert_array_equal(Elastic(0.0, rng=0)(ramp).numpy(), ramp)


def test_a_crop_is_a_window_at_any_place_and_in_the_middle_in_evaluation():
    x = np.arange(500 * 8 * 6, dtype=float).reshape(500, 8, 6)
    layer = Crop(0.75, confirmed=True, rng=0)
    y = layer(x).numpy()
    assert y.shape == (500, 6, 4)
    starts = (y[:, 0, 0] - x[:, 0, 0]).astype(int)
    assert {(s // 6, s % 6) for s in starts} == {(i, j) for i in range(3) for j in range(3)}
    for k in range(5):
        i, j = divmod(starts[k], 6)
        np.testing.assert_array_equal(y[k], x[k, i : i + 6, j : j + 4])
    np.testing.assert_array_equal(layer.eval()(x).numpy(), x[:, 1:7, 1:5])


def test_erasing_covers_a_rectangle_of_the_area_it_says():
    x = np.ones((400, 30, 40))
    layer = Erasing((0.05, 0.2), 2.0, 0.6, fill=-1.0, confirmed=True, rng=0)
    covered = layer(x).numpy() == -1
    share = covered.mean(axis=(1, 2))
    hit = share > 0
    assert abs(hit.mean() - 0.6) < 0.08
    assert share[hit].min() > 0.03
    assert share[hit].max() < 0.23
    for mask in covered[hit][:50]:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        np.testing.assert_array_equal(mask, np.outer(rows, columns))
        tall, wide = rows.sum(), columns.sum()
        assert 0.4 < tall / wide < 2.5


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.5, 1.0, 3.0])
def test_mixup_draws_from_the_beta_distribution(alpha):
    special = pytest.importorskip("scipy.special")
    from nn.data.augmentation.mixing import quantiles

    middles = (np.arange(128) + 0.5) / 128
    np.testing.assert_allclose(
        quantiles(alpha), special.betaincinv(alpha, alpha, middles), atol=1e-6
    )


def test_mixup_mixes_neighbours_and_their_targets_alike():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(64, 3)), nn.data.one_hot(rng.integers(0, 4, 64), dtype=np.float64)
    mix = Mixup(1.0, rng=0)
    for _ in range(2):
        y, mixed = mix(x).numpy(), mix.targets(t).numpy()
        before, other = np.roll(x, 1, axis=0), np.roll(t, 1, axis=0)
        share = ((y - before) / (x - before))[:, 0]
        np.testing.assert_allclose(y, share[:, None] * x + (1 - share[:, None]) * before)
        np.testing.assert_allclose(
            mixed, share[:, None] * t + (1 - share[:, None]) * other, atol=1e-9
        )
        assert 0.35 < share.mean() < 0.65
    mix.eval()
    np.testing.assert_array_equal(mix(x).numpy(), x)
    np.testing.assert_array_equal(mix.targets(t).numpy(), t)
    with pytest.raises(DTypeError, match=r"nn\.data\.one_hot"):
        mix.targets(np.arange(64))
    with pytest.raises(ShapeError):
        mix.train()(np.float64(1.0))


def test_one_of_takes_each_equally_often():
    x = np.ones((900, 2, 2))
    either = OneOf(
        Erasing((0.9, 0.95), 1.0, 1.0, fill=5.0, rng=0), Shift(0.0, rng=1), nn.GaussianNoise(1.0, rng=2),
        confirmed=True, rng=3,
    )  # fmt: skip
    y = either(x).numpy()
    kinds = [(y == 5).any(axis=(1, 2)), (y == 1).all(axis=(1, 2))]
    for kind in (*kinds, ~(kinds[0] | kinds[1])):
        assert abs(kind.mean() - 1 / 3) < 0.06
    with pytest.raises(ShapeError, match="keep the size"):
        OneOf(Crop(0.5), Shift(0.1), confirmed=True)(np.ones((2, 4, 4)))


# What they guard ----------------------------------------------------------------------------------

WRONG = [
    (lambda **o: Flip(**o), ["b", "d"], ("b", "d"), "exchanges left and right"),
    (lambda **o: Flip("upside-down", **o), ["b", "p", "x"], ("b", "p"), "exchanges above and below"),
    (lambda **o: Rotation(180, **o), DIGITS, ("6", "9"), "turns them by up to 180°"),
    (lambda **o: Rotation(90, **o), DIGITS, ("6", "9"), "turns them by up to 90°"),
    (lambda **o: Rotation(45, **o), ["N", "Z"], ("N", "Z"), "turns"),
    (lambda **o: Rotation(30, **o), ["+", "×"], ("+", "×"), "turns"),
    (lambda **o: Rotation(180, **o), [6, 9], ("6", "9"), "turns"),
    (lambda **o: Rotation(180, **o), np.array([6, 9]), ("6", "9"), "turns"),
    (lambda **o: Flip(**o), ["Left", "Right"], ("left", "right"), "exchanges"),
    (lambda **o: Stretch(1.5, keep_aspect=True, **o), ["c", "C"], ("c", "C"), "grows or shrinks"),
    (lambda **o: Stretch(1.2, **o), ["circle", "ellipse"], ("circle", "ellipse"), "stretches one side"),
    (lambda **o: Shear(30, **o), ["/", "|"], ("/", "|"), "slants"),
    (lambda **o: Shift(0.4, **o), ["-", "_"], ("-", "_"), "moves"),
    (lambda **o: Crop(0.7, **o), ["E", "F"], ("E", "F"), "cuts off"),
    (lambda **o: Erasing((0.02, 0.4), **o), DIGITS, ("8", "3"), "covers up to 0.4"),
    (lambda **o: Elastic(100.0, 4.0, **o), DIGITS, ("1", "7"), "moves pixels"),
    (lambda **o: Compose(Flip(), Flip("upside-down"), **o), ["6", "9"], ("6", "9"), "half a turn"),
    (lambda **o: Compose(Rotation(60), Rotation(40), **o), ["6", "9"], ("6", "9"), "up to 100°"),
    (lambda **o: Compose(Flip(), Rotation(90), **o), ["b", "p"], ("b", "p"), "mirrors them and turns"),
    (lambda **o: OneOf(Rotation(10), Flip(), **o), ["b", "d"], ("b", "d"), "exchanges"),
    (lambda **o: Compose(OneOf(Shift(0.1), Flip()), Rotation(10), **o), ["b", "d"], ("b", "d"), "exchanges"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "classes", "pair", "how"), WRONG)
def test_what_may_turn_one_class_into_another_raises_unless_confirmed(make, classes, pair, how):
    with pytest.raises(ConfigError) as caught:
        make(classes=classes)
    message = str(caught.value)
    assert f"may turn {pair[0]!r} into {pair[1]!r}" in message
    assert how in message
    assert "Make it weaker or leave it out" in message
    assert f"confirmed=[{pair!r}" in message
    assert make(classes=classes, confirmed=True).training
    # unknown classes are asked for when it is used, and not before
    unknown = make()
    state = unknown.state_dict()
    with pytest.raises(ConfigError, match=r"it was not said what the pictures are of.*classes="):
        unknown(np.ones((2, 8, 8)))
    assert all(np.array_equal(v, state[k]) for k, v in unknown.state_dict().items())
    assert unknown.eval()(np.ones((2, 8, 8))).shape[0] == 2
    # and classes that cannot be taken for each other are no matter
    assert make(classes=["cat", "dog"])(np.ones((2, 8, 8))).shape[0] == 2


RIGHT = [
    (lambda **o: Rotation(30, **o), DIGITS),
    (lambda **o: Rotation(89, **o), DIGITS),
    (lambda **o: Flip(**o), ["b", "p", "o"]),
    (lambda **o: Flip("upside-down", **o), ["6", "9"]),
    (lambda **o: Flip(p=0.0, **o), ["b", "d"]),
    (lambda **o: OneOf(Flip(), Flip("upside-down"), **o), ["6", "9"]),
    (lambda **o: Compose(Rotation(15), Shift(0.1), Elastic(), Erasing(), Stretch(1.1), Shear(10), **o), DIGITS),
    (lambda **o: Crop(0.875, **o), DIGITS),
]  # fmt: skip


@pytest.mark.parametrize(("make", "classes"), RIGHT)
def test_what_preserves_labels_is_let_through(make, classes):
    assert make(classes=classes)(np.ones((2, 8, 8))).shape[0] == 2


def test_confirming_one_pair_confirms_no_other():
    classes = ["b", "d", "p", "q"]
    with pytest.raises(ConfigError, match="'p' into 'q'") as caught:
        Flip(classes=classes, confirmed=[("d", "b")])
    assert "'b' into 'd'" not in str(caught.value)
    flip = Flip(classes=classes, confirmed=[("d", "b"), ("p", "q")], rng=0)
    assert "confirmed=[('b', 'd'), ('p', 'q')]" in repr(flip)
    for wrong in ("b", 3, b"bd", [6.0, 9.0], [None], [True], [["b"]]):
        with pytest.raises(ConfigError, match="Flip: classes"):
            Flip(classes=wrong)
    for wrong in (["abc"], "bd", ("b", "d"), 1, None, [("a", "b", "c")]):
        with pytest.raises(ConfigError, match="Flip: confirmed"):
            Flip(confirmed=wrong)
    with pytest.raises(ConfigError, match="'b' into 'd'"):
        Flip(classes=[" b", "d\n"])
    flip.classes, flip.confirmed = (
        ("b", "d"),
        frozenset(),
    )  # told later, it is asked when it is used
    with pytest.raises(ConfigError, match="'b' into 'd'"):
        flip(np.ones((1, 2, 2)))


def test_parts_of_a_composition_learn_the_classes_from_it():
    parts = Flip(confirmed=[("2", "5")]), Rotation(10)
    together = Compose(OneOf(*parts), Shift(0.1), classes=["cat", "dog"])
    assert all(part.classes == ("cat", "dog") for part in parts)
    assert together(np.ones((2, 4, 4))).shape == (2, 4, 4)
    with pytest.raises(ConfigError, match="'b' into 'd'"):
        Compose(Shift(0.1), Flip(), classes=["b", "d"])
    with pytest.raises(ConfigError, match="say what they may turn into what"):
        Compose(Rotation(10), nn.ReLU())
    with pytest.raises(ConfigError, match="a transform or more"):
        OneOf()


def test_a_transform_of_ones_own_declares_pairs():
    class Swap(Augmentation):
        def reaches(self):
            return (Reach(pairs=frozenset({("cat", "lynx")})),)

        def draws(self, height, width):
            return (1,)

        def changed(self, x, u):
            return x

    with pytest.raises(ConfigError, match="'cat' into 'lynx'"):
        Swap(classes=["cat", "lynx"])
    with pytest.raises(ConfigError, match="'cat' into 'lynx'"):
        Compose(Shift(0.1), Swap(), classes=["cat", "lynx", "dog"])
    assert Swap().turns() == (("cat", "lynx"),)


def test_a_wider_reach_turns_no_less():
    for small, large in ((10, 60), (60, 120), (30, 180)):
        assert set(Rotation(small).turns()) <= set(Rotation(large).turns())
        both = set(Compose(Rotation(small), Flip(), Shift(0.1)).turns())
        assert set(Rotation(small).turns()) | set(Flip().turns()) <= both


def test_the_guard_knows_letters_by_their_shape():
    """Pixels of letters as they are drawn: what a flip or a half turn makes of one is the other."""
    shapes = {
        "b": ["100", "110", "101", "110"], "d": ["001", "011", "101", "011"],
        "p": ["110", "101", "110", "100"], "q": ["011", "101", "011", "001"],
        "6": ["011", "100", "111", "101", "111"], "9": ["111", "101", "111", "001", "110"],
        "n": ["110", "101", "101"], "u": ["101", "101", "011"],
        "M": ["101", "111", "101"], "W": ["101", "111", "101"],
        "N": ["1001", "1101", "1011", "1001"], "Z": ["1111", "0010", "0100", "1111"],
        "(": ["01", "10", "01"], ")": ["10", "01", "10"], "<": ["01", "10", "01"], ">": ["10", "01", "10"],
    }  # fmt: skip
    grids = {name: np.array([list(map(int, row)) for row in rows]) for name, rows in shapes.items()}
    moves = {
        Flip(): lambda a: a[:, ::-1],
        Flip("upside-down"): lambda a: a[::-1],
        Compose(Flip(), Flip("upside-down")): lambda a: a[::-1, ::-1],
    }
    for transform, move in moves.items():
        told = {frozenset(pair) for pair in transform.turns()}
        for a in grids:
            for b in grids:
                same = grids[a].shape == grids[b].shape and np.array_equal(move(grids[a]), grids[b])
                brackets = len({a, b} & set("()<>")) == 1 or {a, b} in ({"(", "<"}, {")", ">"})
                other = {a, b} in ({"(", ">"}, {")", "<"}, {"M", "W"})
                if a != b and same and not brackets and not other:
                    assert {a, b} in told, (transform, a, b)


def test_options_are_checked():
    for make, words in (
        (lambda: Rotation(181), "Rotation: degrees"), (lambda: Rotation("10"), "Rotation: degrees"),
        (lambda: Rotation(10, fill="reflect"), "Rotation: fill"), (lambda: Rotation(10, fill=np.nan), "fill"),
        (lambda: Shift(1.0), "Shift: share"), (lambda: Stretch(0.9), "Stretch: factor"),
        (lambda: Stretch(1.1, keep_aspect=1), "keep_aspect"), (lambda: Shear(90), "Shear: degrees"),
        (lambda: Flip("vertical"), "Flip: way"), (lambda: Flip(p=2), "Flip: p"),
        (lambda: Elastic(-1), "Elastic: alpha"), (lambda: Elastic(1, 0), "Elastic: sigma"),
        (lambda: Crop(0), "Crop: share"), (lambda: Erasing((0.5, 0.1)), "Erasing: area"),
        (lambda: Erasing(0.5), "Erasing: area"), (lambda: Erasing(aspect=0.5), "Erasing: aspect"),
        (lambda: Mixup(0), "Mixup: alpha"), (lambda: Shift(0.1, rng="0"), "Shift: rng"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            make()


def test_every_transform_of_pictures_declares_its_reach_and_refuses_integers():
    kinds = [k for k in public_modules() if issubclass(k, Augmentation)]
    assert len(kinds) >= 8
    assert Augmentation not in kinds
    for kind in kinds:
        layer = nn.contract.example_of(kind).make(*nn.contract.example_of(kind).args)
        assert all(isinstance(reach, Reach) for reach in layer.reaches())
        with pytest.raises(DTypeError):
            layer(np.zeros((1, 3, 3), int))


def test_what_changes_nothing_draws_nothing():
    x = pictures(2)
    for layer in (
        Rotation(0), Shift(0.0), Stretch(1.0), Shear(0.0), Flip(p=0.0), Elastic(0.0), Erasing((0.3, 0.4), p=0.0),
    ):  # fmt: skip
        assert layer.turns() == ()
        np.testing.assert_array_equal(layer(x).numpy(), x)
        assert int(layer.counter.numpy()) == 0
