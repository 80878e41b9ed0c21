"""A tensor's values beside other libraries: memory that a graph may need is never written from there."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag
from autograd_core.errors import ShapeError
from autograd_core.exchange import as_numpy, locked, plain
from autograd_core.memory import ReadOnlyArray

DTYPES = [
    np.dtype(c) for c in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
]
X = np.arange(6.0).reshape(2, 3)
VERSIONED = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


# --- views ----------------------------------------------------------------------------------


def views(t):
    """Every way to see a tensor's memory without a copy."""
    yield t.data
    yield t.numpy()
    yield t.data[...]
    yield np.asarray(t.data)
    yield t.data.view(np.ndarray)
    if not t.requires_grad:
        yield np.asarray(t)
        yield np.asarray(t, copy=None)
        yield np.asarray(t).T


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("make", [lambda x: x, lambda x: x[0], lambda x: x[0, 1], lambda x: x[:0]])
def test_a_view_cannot_be_made_writable(make, requires_grad):
    t = ag.tensor(make(X), requires_grad=requires_grad)
    before = np.array(t.data)
    for view in views(t):
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.setflags(write=True)
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True
        with pytest.raises((ValueError, ag.GraphError)):
            view[...] = 7.0
        with pytest.raises((ValueError, ag.GraphError)):
            np.add(view, 1.0, out=view)
    np.testing.assert_array_equal(t.data, before)


@pytest.mark.parametrize("computed", [False, True])
def test_views_of_results_and_of_packed_leaves_are_locked_too(computed):
    from autograd_core.memory import pack

    a = ag.tensor([1.0, 2.0], requires_grad=True)
    pack([a, ag.tensor([3.0], requires_grad=True)])
    for t in (a * 2.0 if computed else a, ag.transpose(ag.tensor(X)), ag.tensor(X)[:, ::-1]):
        with pytest.raises(ValueError, match="WRITEABLE"):
            t.data.setflags(write=True)


def test_a_view_shows_what_assign_writes():
    t = ag.tensor(X, requires_grad=True)
    view = t.data
    t.assign(np.ones((2, 3)))
    assert view.tolist() == [[1.0] * 3] * 2


@given(
    hnp.arrays(
        st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)
    )
)
def test_a_locked_view_is_the_array(array):
    for given_ in (
        array,
        array.T,
        array[::-1] if array.ndim else array,
        np.broadcast_to(array, (2, *array.shape)),
    ):
        view = locked(given_)
        assert (view.shape, view.dtype) == (given_.shape, given_.dtype)
        np.testing.assert_array_equal(view, given_)
        assert not given_.size or np.shares_memory(view, given_)


def test_a_view_costs_what_a_plain_view_costs():
    import timeit

    array = np.ones((3, 4))

    def plain():
        view = array.view(ReadOnlyArray)
        view.flags.writeable = False

    ours = min(timeit.repeat(lambda: locked(array).view(ReadOnlyArray), number=2_000, repeat=7))
    assert ours < 2.5 * min(timeit.repeat(plain, number=2_000, repeat=7))


# --- np.asarray -----------------------------------------------------------------------------


def test_asarray_follows_numpys_keywords():
    t = ag.tensor(X)
    assert np.shares_memory(np.asarray(t), t.data)
    assert np.shares_memory(np.asarray(t, copy=False), t.data)
    copied = np.array(t)
    assert copied.flags.writeable
    assert not np.shares_memory(copied, t.data)
    copied[...] = 0
    assert t.data[0, 1] == 1.0
    single = np.asarray(t, dtype=np.float32)
    assert single.dtype == np.float32
    assert np.asarray(t, dtype=np.float64).base is not None
    assert np.array(t, dtype=np.int64, copy=True).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(("values", "dtype"), [(X, np.float32), (1.5, None)])
def test_asarray_without_a_copy_is_refused_where_one_is_needed(values, dtype):
    with pytest.raises(ag.ConfigError, match=r"copy=False.*needed.*Leave copy out"):
        np.asarray(ag.tensor(values), dtype=dtype, copy=False)


@pytest.mark.parametrize("options", [{}, {"copy": True}, {"copy": False}, {"dtype": "f4"}])
def test_asarray_never_cuts_a_gradient(options):
    with pytest.raises(ag.NotDifferentiableError, match="detach"):
        np.asarray(ag.tensor(X, requires_grad=True), **options)
    assert as_numpy(X, None, True).flags.writeable


# --- DLPack ---------------------------------------------------------------------------------


class Consumer:
    """Another library that asks for the capsule with options of its own."""

    def __init__(self, t, **options):
        self.t, self.options = t, options

    def __dlpack__(self, **_):
        return self.t.__dlpack__(**self.options)

    def __dlpack_device__(self):
        return self.t.__dlpack_device__()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dlpack_hands_out_a_copy(dtype):
    t = ag.tensor((X > 1) if dtype.kind == "b" else X, dtype)
    for shape in (t, t[0], t[1, 2], t[:0], t.T, t[:, ::-1]):
        found = np.from_dlpack(shape)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, shape.data)
        assert not np.shares_memory(found, shape.data)
    before = t.data.tolist()
    found = np.from_dlpack(t)
    if not found.flags.writeable:  # NumPy 2.0 marks whatever comes by DLPack
        assert not VERSIONED
    else:
        found[...] = 1
    assert t.data.tolist() == before


@pytest.mark.parametrize("options", [
    {}, {"stream": None}, {"copy": True}, {"copy": None, "dl_device": (1, 0)},
    {"max_version": None}, {"max_version": (0, 8)}, {"max_version": (1, 0)}, {"max_version": (9, 9), "copy": True},
])  # fmt: skip
def test_dlpack_takes_the_standards_options(options):
    np.testing.assert_array_equal(np.from_dlpack(Consumer(ag.tensor(X), **options)), X)


@pytest.mark.parametrize(("options", "match"), [
    ({"copy": False}, "copy=False: the consumer could write"),
    ({"dl_device": (2, 0)}, r"main memory, device \(1, 0\)"),
    ({"stream": 1}, "has no streams"),
])  # fmt: skip
def test_dlpack_refuses_to_share(options, match):
    with pytest.raises(ag.ExportError, match=match) as caught:
        ag.tensor(X).__dlpack__(**options)
    assert isinstance(caught.value, BufferError)  # what the standard asks for


def test_dlpack_never_cuts_a_gradient():
    x = ag.tensor(X, requires_grad=True)
    for t in (x, x * 2.0):
        with pytest.raises(ag.NotDifferentiableError, match=r"from_dlpack.*detach"):
            np.from_dlpack(t)
    np.testing.assert_array_equal(np.from_dlpack(x.detach()), X)


def test_a_dtype_that_dlpack_lacks_is_named():
    with pytest.raises(ag.ExportError, match=r"longdouble|float128|float96"):
        ag.tensor(np.ones(2, np.longdouble)).__dlpack__()


def test_from_dlpack_copies():
    array = X.copy()
    for source in (array, array.T, array[:, ::-1], ag.tensor(array), np.arange(3), np.float32([1])):
        t = ag.from_dlpack(source)
        np.testing.assert_array_equal(t.data, source.data if type(source) is ag.Tensor else source)
        assert t.is_leaf
        assert not t.requires_grad
    t = ag.from_dlpack(array)
    array[...] = 9.0
    assert t.data[0, 1] == 1.0


class Elsewhere:
    """An array on a graphics card."""

    def __dlpack__(self, **_):
        raise BufferError("Can't export tensors that require gradient")

    def __dlpack_device__(self):
        return (1, 0)


@pytest.mark.parametrize(("call", "error", "match"), [
    (lambda: ag.from_dlpack([1.0]), ag.DTypeError, r"received list.*ag\.tensor"),
    (lambda: ag.from_dlpack(X, copy=False), ag.ExportError, "memory is its own"),
    (lambda: ag.from_dlpack(X, device="cuda"), ag.ConfigError, "device: expected one of None, 'cpu'"),
    (lambda: ag.from_dlpack(Elsewhere()), ag.ExportError, "Elsewhere was not handed out: Can't"),
    (lambda: ag.from_dlpack(np.ones(2, complex)), ag.DTypeError, "complex"),
    (lambda: ag.from_dlpack(ag.tensor(X, requires_grad=True)), ag.NotDifferentiableError, "detach"),
])  # fmt: skip
def test_what_cannot_be_imported_is_named(call, error, match):
    with pytest.raises(error, match=match):
        call()


# --- notebooks ------------------------------------------------------------------------------


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


HOSTILE = [
    "<lambda>", "</pre><script>alert(1)</script>", "javascript:alert(1)", "\\", "NUL \0", "\x1b[31m",
    "\ud800", "\u202eevil", "<img src=x onerror=alert(1)>", "'\"&amp;", "]]>", "x" * 20_000, "\r\n",
]  # fmt: skip


def assert_safe(page):
    page.encode()  # no lone surrogate
    parsed = Elements(page)
    assert set(parsed.tags) == {"div", "small", "pre"}
    assert parsed.attributes == [("style", "font-family: monospace")]
    assert all(c.isprintable() or c == "\n" for c in parsed.text)
    return parsed.text


@pytest.mark.parametrize("label", HOSTILE, ids=lambda s: ascii(s)[:20])
def test_labels_are_shown_and_never_run(label):
    t = ag.tensor([1.0], requires_grad=True, name=label, role=label)
    bundle = t._repr_mimebundle_()
    assert list(bundle) == ["text/plain", "text/html"]
    text = assert_safe(bundle["text/html"])
    bundle["text/plain"].encode()
    if label.isprintable() and len(label) < 40:
        assert label.replace("\\", "\\\\").replace("'", "\\'")[:10].split("'")[0] in text


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_label_is_safe(label):
    t = ag.tensor(1.0, name=label)
    assert_safe(t._repr_mimebundle_()["text/html"])
    assert repr(t).isprintable()


def test_the_state_is_named():
    x = ag.tensor(X, requires_grad=True, name="w", role="parameter")
    y = ag.tanh(x)

    def caption(t):
        return Elements(t._repr_mimebundle_()["text/html"]).text.split("Tensor(")[0]

    assert (
        caption(x) == "shape (2, 3) · float64 · name 'w' · role 'parameter' · requires a gradient"
    )
    assert caption(y) == "shape (2, 3) · float64 · result of tanh · carries a gradient"
    assert caption(y.detach()).endswith("no gradient")
    y.sum().backward()
    assert caption(x).endswith("has one in .grad")
    seen = []
    ag.trace(lambda t: seen.append(t._repr_mimebundle_()["text/html"]) or t * 2.0)(
        ag.Abstract((3,))
    )
    assert "traced, without values" in seen[0]
    pair = ag.linalg.eigh(ag.tensor(np.eye(2), requires_grad=True))[0]._inputs[0]
    assert "2 results of eigh" in pair._repr_mimebundle_()["text/html"]


def test_bundles_are_chosen_from():
    t = ag.tensor(X)
    assert t._repr_mimebundle_(include={"text/plain"}) == {"text/plain": repr(t)}
    assert list(t._repr_mimebundle_(exclude={"text/plain"})) == ["text/html"]
    assert t._repr_mimebundle_(include=[]) == {}
    assert html.escape(repr(t)) in t._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "shape", [(1000, 1000), (2,) * 20, (7,) * 7, (0, 5), (1,) * 30, (100_000,)]
)
def test_large_tensors_are_summarised(shape):
    t = ag.tensor(np.ones(shape, np.float32))
    assert len(repr(t)) < 20_000
    assert len(t._repr_mimebundle_()["text/html"]) < 22_000
    assert re.match(r"Tensor\(\[", repr(t))


def test_pictures_of_tensors_load_no_drawing_library():
    code = (
        "import sys, autograd_core as ag; ag.tensor([1.0])._repr_mimebundle_(); "
        "print(sorted({'viz', 'IPython', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ragged_lists_are_no_array_for_a_layer_either():
    with pytest.raises(ShapeError, match="here: the values do not form an array"):
        plain("here", [[1.0, 2.0], [1.0]])
