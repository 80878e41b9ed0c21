"""Files of named arrays: exact, atomic, and refused when damaged (ecosystem T13 to T17, T22)."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file

from autograd_core import storage
from autograd_core.errors import CheckpointError, ConfigError, DTypeError

BASE = np.arange(24.0).reshape(4, 6)
LAYOUTS = {
    "C": BASE,
    "Fortran": np.asfortranarray(BASE),
    "transposed": BASE.T,
    "strided": BASE[::2, 1::2],
    "negative stride": BASE[::-1, ::-2],
    "broadcast": np.broadcast_to(np.float32(3), (3, 4)),
    "big-endian": BASE.astype(">f8"),
    "0-d": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "read-only": np.frombuffer(b"12345678", np.int16),
    "non-finite": np.array([np.nan, np.inf, -np.inf, -0.0]),
    "Python numbers": [1, 2, 3],
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "saved.safetensors"


def saved(path, arrays=None, metadata=None):
    storage.save(path, {"W": BASE, "b": np.float32([1, 2])} if arrays is None else arrays, metadata)
    return path.read_bytes()


# --- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_comes_back_equal_in_memory_of_its_own(path, layout):
    storage.save(path, {"a": LAYOUTS[layout]})
    (found,) = storage.load(path)[0].values()
    expected = np.asarray(LAYOUTS[layout])
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert found.flags.writeable


@pytest.mark.parametrize("dtype", storage.DTYPES.values(), ids=str)
def test_every_dtype_comes_back_bit_for_bit(path, dtype):
    raw = np.random.default_rng(0).integers(0, 256, 16 * dtype.itemsize, np.uint8)
    values = (raw % 2).astype(bool) if dtype.kind == "b" else raw.view(dtype)
    storage.save(path, {"a": values})
    assert storage.load(path)[0]["a"].tobytes() == values.tobytes()


@given(data=st.data())
def test_any_array_comes_back(tmp_path_factory, data):
    dtype = data.draw(st.sampled_from(list(storage.DTYPES.values())))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
    path = tmp_path_factory.mktemp("any") / "a"
    storage.save(path, {"a": array})
    assert storage.load(path)[0]["a"].tobytes() == array.tobytes()


def test_order_and_metadata_come_back_as_they_were(path):
    metadata = {"epoch": 3, "list": [1.5, None, True, {"ö": "ü"}], "large": 2**127, "empty": {}}
    storage.save(path, {"z": np.zeros(1, np.int8), "a": np.ones(2), "m.ö": np.ones(3)}, metadata)
    arrays, found = storage.load(path)
    assert list(arrays) == ["z", "a", "m.ö"]
    assert found == metadata
    assert list(found) == list(metadata)


def test_nothing_at_all_can_be_saved(path):
    storage.save(path, {})
    assert storage.load(path) == ({}, {})


def test_equal_contents_give_equal_bytes(tmp_path):
    first = saved(tmp_path / "a", LAYOUTS, {"epoch": 1})
    assert first == saved(tmp_path / "b", LAYOUTS, {"epoch": 1})


def test_the_reference_reader_finds_the_same_values(path):
    storage.save(path, LAYOUTS)
    found = load_file(path)
    for name, array in LAYOUTS.items():
        np.testing.assert_array_equal(found[name], array)


def test_loading_unpickles_nothing(path):
    saved(path)
    seen = []
    watching = True
    sys.addaudithook(lambda event, _: seen.append(event) if watching else None)
    storage.load(path)
    watching = False
    assert not [
        event for event in seen if event.startswith(("pickle", "marshal", "exec", "compile"))
    ]


# --- what is refused before anything is written -----------------------------------------------


@pytest.mark.parametrize(
    "values",
    [np.array(["text"]), np.array([object()]), np.ones(1, np.complex128), np.ones(1, np.longdouble),
     np.array(["2026-01-01"], "M8[D]"), np.zeros(1, [("a", "f8")])],
    ids=lambda a: str(a.dtype),
)  # fmt: skip
def test_a_dtype_that_the_format_lacks_is_named(path, values):
    with pytest.raises(
        DTypeError, match=r"save: a: dtype .* cannot be saved\. Expected one of bool"
    ):
        storage.save(path, {"a": values})
    assert not path.exists()


def test_a_mask_is_not_lost_in_silence(path):
    with pytest.raises(DTypeError, match="mask would be lost"):
        storage.save(path, {"a": np.ma.array([1.0, 2.0], mask=[0, 1])})


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", "\0", "a\n", "\ud800", "a" * 1025, "__metadata__", 3]
)
def test_names_that_read_like_paths_or_cannot_be_printed_are_refused(path, name):
    with pytest.raises(ConfigError, match="cannot name an array"):
        storage.save(path, {name: BASE})


@pytest.mark.parametrize(
    "value",
    [(1, 2), {1: 2}, float("nan"), float("inf"), np.float64(1), np.ones(2), {"a"}, b"bytes"],
    ids=repr,
)
def test_metadata_that_json_would_change_is_refused(path, value):
    with pytest.raises(ConfigError, match="metadata is not plain JSON"):
        storage.save(path, {}, {"key": value})


def test_metadata_too_long_for_the_header_is_refused(path):
    with pytest.raises(ConfigError, match="as arrays rather than as metadata"):
        storage.save(path, {}, {"key": "x" * 2**24})


# --- damage -----------------------------------------------------------------------------------


def refused(path, data):
    path.write_bytes(data)
    try:
        storage.load(path)
    except CheckpointError as error:
        return str(path) in str(error) and "Nothing was loaded. Use an older copy" in str(error)
    return False


def test_every_truncation_and_extension_is_refused(path):
    whole = saved(path, metadata={"epoch": 3})
    assert all(refused(path, whole[:n]) for n in range(len(whole)))
    assert refused(path, whole + b"\0")


def test_every_single_bit_flip_is_refused(path):
    whole = saved(path, {"W": np.float16([[1, 2]]), "on": np.array([True, False])}, {"epoch": 3})
    accepted = []
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        if not refused(path, bytes(flipped)):
            accepted.append(bit)
    assert accepted == []


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(tmp_path_factory, data):
    assert refused(tmp_path_factory.mktemp("any") / "a", data)


def forged(text, data=b""):
    """A file whose header is hostile but whose header checksum is right."""
    blank = text.replace("DIGEST", "0" * 64).encode()
    header = blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode(), 1)
    return len(header).to_bytes(8, "little") + header + data


def hostile(entries, sums=None, data=b"", version="1", metadata="{}"):
    names = sums if sums is not None else [name for name, *_ in entries]
    annotations = json.dumps({
        "gradproof": version,
        "header_sha256": "DIGEST",
        "metadata": metadata,
        "sha256": json.dumps({name: hashlib.sha256(data).hexdigest() for name in names}),
    }, separators=(",", ":"))  # fmt: skip
    body = "".join(
        f',{json.dumps(name)}:{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'
        for name, dtype, shape, offsets in entries
    )
    return forged(f'{{"__metadata__":{annotations}{body}}}', data)


EIGHT = bytes(8)
HOSTILE = {
    "10**18 elements": hostile([("a", "F32", [10**18], [0, 4 * 10**18])]),
    "sizes that overflow 64 bits": hostile([("a", "F32", [2**62, 4], [0, 0])], data=b""),
    "a size over 64 bits": hostile([("a", "F32", [0, 2**64], [0, 0])]),
    "a large empty array": hostile([("a", "F32", [0, 2**62, 4], [0, 0])]),
    "more axes than NumPy has": hostile([("a", "F32", [0] * 100, [0, 0])]),
    "a negative size": hostile([("a", "F32", [-2, -1], [0, 8])], data=EIGHT),
    "a fractional size": hostile([("a", "F32", [2.0], [0, 8])], data=EIGHT),
    "a size that is true": hostile([("a", "F64", "[true]", [0, 8])], data=EIGHT),
    "a shape that is no list": hostile([("a", "F64", "{}", [0, 8])], data=EIGHT),
    "a doubled array": hostile([("a", "F64", [1], [0, 8]), ("a", "F64", [1], [0, 8])], data=EIGHT),
    "overlapping arrays": hostile(
        [("a", "F64", [1], [0, 8]), ("b", "F64", [1], [0, 8])], data=EIGHT
    ),
    "a gap": hostile([("a", "F32", [1], [4, 8])], data=EIGHT),
    "bytes that no array owns": hostile([("a", "F32", [1], [0, 4])], data=EIGHT),
    "an unknown dtype": hostile([("a", "F8_E4M3", [8], [0, 8])], data=EIGHT),
    "a path for a name": hostile([("../../etc/passwd", "F64", [1], [0, 8])], data=EIGHT),
    "a name with a control character": hostile([("a\x1b", "F64", [1], [0, 8])], data=EIGHT),
    "an array without a checksum": hostile([("a", "F64", [1], [0, 8])], sums=[], data=EIGHT),
    "a checksum without an array": hostile([], sums=["a"]),
    "a boolean of 2": hostile([("a", "BOOL", [1], [0, 1])], data=b"\2"),
    "a later version": hostile([], version="2"),
    "metadata that is no object": hostile([], metadata="[]"),
    "NaN in the metadata": hostile([], metadata='{"a":NaN}'),
    "a doubled key in the metadata": hostile([], metadata='{"a":1,"a":2}'),
    "deep nesting": hostile([], metadata="[" * 100_000),
    "a number of 5,000 digits": hostile([], metadata='{"a":' + "1" * 5000 + "}"),
    "a header that is no object": forged('["header_sha256":"DIGEST"]'),
    "no annotations": forged('{"header_sha256":"DIGEST"}'),
    "a header longer than the file": (2**63).to_bytes(8, "little") + b"{}",
    "a header longer than any": (2**24 + 1).to_bytes(8, "little") + b" " * (2**24 + 1),
}


@pytest.mark.parametrize("fault", HOSTILE)
def test_a_hostile_header_is_refused_within_the_memory_of_the_file(path, fault):
    tracemalloc.start()
    try:
        assert refused(path, HOSTILE[fault])
        assert tracemalloc.get_traced_memory()[1] < 3 * len(HOSTILE[fault]) + 2**20
    finally:
        tracemalloc.stop()


def test_the_forger_makes_files_that_would_be_accepted_if_they_were_harmless(path):
    path.write_bytes(hostile([("a", "F64", [1], [0, 8])], data=EIGHT))
    np.testing.assert_array_equal(storage.load(path)[0]["a"], [0.0])


# --- the system -------------------------------------------------------------------------------


def test_a_missing_file_is_named_with_the_remedy(path):
    with pytest.raises(
        CheckpointError, match=r"load: .*saved.safetensors: No such file.*Check the path"
    ):
        storage.load(path)


def test_a_missing_folder_is_named_with_the_remedy(path):
    with pytest.raises(CheckpointError, match=r"save: .*No such file.*parent\.mkdir"):
        storage.save(path / "deeper", {})


def test_a_folder_or_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(CheckpointError, match="not a regular file"):
            storage.load(tmp_path / name)
    with pytest.raises(CheckpointError, match="of a file, not of a folder"):
        storage.save(tmp_path, {})
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_path_with_a_nul_byte_is_refused_by_name():
    with pytest.raises(CheckpointError, match="null byte"):
        storage.save("a\0b", {})


def test_a_symbolic_link_is_followed(tmp_path):
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    saved(link)
    assert link.is_symlink()
    assert storage.load(target)[0].keys() == {"W", "b"}


CALLS = ("open", "write", "fsync", "replace", "close", "listdir")


class Faults:
    """Let the n-th system call of a save do something else first."""

    def __init__(self, monkeypatch, fault):
        self.count, self.at, self.fault = 0, None, fault
        for name in CALLS:
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))

    def wrapped(self, call):
        def wrapper(*args, **kwargs):
            self.count += 1
            if self.count == self.at:
                if call.__name__ == "close":  # POSIX: the descriptor is gone even then
                    call(*args)
                raise self.fault
            return call(*args, **kwargs)

        return wrapper


@pytest.mark.parametrize(
    "fault",
    [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "Input/output error"),
     OSError(errno.EACCES, "Permission denied"), KeyboardInterrupt()],
    ids=repr,
)  # fmt: skip
def test_a_fault_at_any_system_call_leaves_the_old_or_the_new_file_and_nothing_else(
    path, monkeypatch, fault
):
    saved(path, {"a": np.zeros(3)}, {"version": "old"})
    faults = Faults(monkeypatch, fault)
    survived = 0
    for at in range(1, 100):
        faults.at, faults.count = at, 0
        try:
            storage.save(path, {"a": np.ones(3)}, {"version": "new"})
            if faults.count < at:  # every call has had its fault
                break
            continue
        except CheckpointError as error:
            message = str(error)
        except KeyboardInterrupt:
            message = ""
        faults.at = None
        arrays, metadata = storage.load(path)
        old = metadata["version"] == "old"
        assert set(arrays["a"]) == ({0.0} if old else {1.0})
        assert os.listdir(path.parent) == [path.name]
        if not isinstance(fault, KeyboardInterrupt):
            assert str(path) in message
            assert ("is unchanged" if old else "is in place") in message
        survived += 1
    assert survived >= 7


def test_a_writer_killed_at_any_system_call_leaves_a_readable_file_and_the_next_save_tidies_up(
    tmp_path,
):
    script = """
import os, signal, sys
import numpy as np
from autograd_core import storage
folder, calls = sys.argv[1], sys.argv[2].split()
path = os.path.join(folder, "saved")
real = {name: getattr(os, name) for name in calls}
at = 0
while True:
    at += 1
    storage.save(path, {"a": np.zeros(3)}, {})
    if real["listdir"](folder) != ["saved"]:
        sys.exit(f"left behind: {real['listdir'](folder)}")
    child = os.fork()
    if child == 0:
        count = 0
        def wrapped(call):
            def wrapper(*args):
                global count
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args)
            return wrapper
        for name in calls:
            setattr(os, name, wrapped(real[name]))
        storage.save(path, {"a": np.ones(3)}, {})
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    values = set(storage.load(path)[0]["a"].tolist())
    if values not in ({0.0}, {1.0}):
        sys.exit(f"torn: {values}")
    if status == 0:
        sys.exit(0 if at > 10 and values == {1.0} else f"only {at} calls")
"""
    done = subprocess.run(  # noqa: PLW1510 - the message below says more
        [sys.executable, "-c", script, str(tmp_path), " ".join(CALLS)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_short_writes_are_carried_on(path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data[:7])))
    saved(path)
    np.testing.assert_array_equal(storage.load(path)[0]["W"], BASE)


def test_an_array_changed_while_it_is_saved_is_noticed(path, monkeypatch):
    array, write = np.zeros(4), os.write

    def meddling(handle, data):
        array[0] += 1
        return write(handle, data)

    monkeypatch.setattr(os, "write", meddling)
    with pytest.raises(CheckpointError, match="changed while it was being saved"):
        storage.save(path, {"a": array})
    assert os.listdir(path.parent) == []


def test_a_living_writers_file_is_not_swept_and_a_dead_ones_is(path):
    fcntl = pytest.importorskip("fcntl")
    living = path.with_name(f".{path.name}.{'0' * 16}.tmp")
    dead = path.with_name(f".{path.name}.{'1' * 16}.tmp")
    foreign = path.with_name(f".{path.name}.notes.tmp")
    for file in (living, dead, foreign):
        file.touch()
    with living.open("rb+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        saved(path)
    assert set(path.parent.iterdir()) == {path, living, foreign}
