"""IDX files: whole, in every form, and damaged in every way."""

from __future__ import annotations

import contextlib
import gzip
import struct
import tracemalloc

import numpy as np
import pytest

import nn
from autograd_core.errors import ConfigError, DataError
from nn.data import read_idx

RNG = np.random.default_rng(0)
NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def idx(array):
    array = np.asarray(array, np.uint8)
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def arrays():
    return {
        "train": (RNG.integers(0, 256, (20, 28, 28)), np.arange(20) % 10),
        "test": (RNG.integers(0, 256, (5, 28, 28)), np.arange(5)),
    }


@pytest.fixture
def folder(tmp_path, arrays):
    for part, (images, labels) in arrays.items():
        for name, array in zip(NAMES[part], (images, labels), strict=True):
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return tmp_path


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 3, 4)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_whole_file_is_read_whatever_its_name(tmp_path, shape, pack):
    values = RNG.integers(0, 256, shape)
    for name in ("values", "values.gz"):
        path = tmp_path / name
        path.write_bytes(pack(idx(values)))
        found = read_idx(path)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, values)
        np.testing.assert_array_equal(read_idx(str(path), len(shape)), values)


VALUES = np.arange(12).reshape(3, 4)
WHOLE = idx(VALUES)
PACKED = gzip.compress(WHOLE)
FAULTS = {
    "empty": (b"", r"ends in its magic number\. Expected 4 bytes; found 0"),
    "another format": (b"\x89PNG" + WHOLE, r"magic number is wrong.*00 00 08.*found 89 50 4e 47"),
    "floats": (b"\0\0\x0d\2" + WHOLE[4:], r"magic number is wrong.*found 00 00 0d 02"),
    "no axes": (b"\0\0\x08\0", "magic number is wrong"),
    "too many axes": (b"\0\0\x08\xff" + b"\0\0\0\1" * 255, "magic number is wrong"),
    "cut header": (WHOLE[:9], r"ends in its axes\. Expected 8 bytes; found 5"),
    "cut values": (WHOLE[:-1], r"too short\. Expected 12 bytes .* shape \(3, 4\); found 11"),
    "more values": (WHOLE + b"\0", r"bytes follow the last value\. Expected 12 bytes"),
    "no values": (idx(np.zeros((0, 4))), r"holds no values.*found \(0, 4\)"),
    "a huge claim": (
        b"\0\0\x08\3" + b"\xff" * 12 + b"\0",
        r"claims too much\. Expected at most 1,073,741,824 bytes; found \(4294967295, ",
    ),
    "cut gzip": (PACKED[:-9], "compressed data is damaged"),
    "gzip checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "compressed data is damaged.*CRC"),
    "gzip body": (PACKED[:14] + b"\xff\xff\xff" + PACKED[17:], "compressed data is damaged"),
    "gzip head": (b"\x1f\x8b\0" + PACKED[3:], "compressed data is damaged"),
    "bytes after gzip": (PACKED + b"junk", "compressed data is damaged"),
    "gzip with more": (gzip.compress(WHOLE + b"\0"), "bytes follow the last value"),
    "gzip with less": (gzip.compress(WHOLE[:-2]), "too short.*found 10"),
    "empty gzip": (gzip.compress(b""), "ends in its magic number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_a_named_error(tmp_path, fault):
    content, message = FAULTS[fault]
    path = tmp_path / "file.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert "Get the file again" in str(caught.value)


@pytest.mark.parametrize("content", [WHOLE, PACKED], ids=["plain", "gzip"])
def test_every_truncation_is_a_named_error(tmp_path, content):
    path = tmp_path / "file"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            read_idx(path)


def test_every_flipped_bit_is_read_as_values_or_a_named_error(tmp_path):
    path = tmp_path / "file"
    for position in range(8 * len(PACKED)):
        damaged = bytearray(PACKED)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        # A flip in gzip's own header (time, name) does not touch the values.
        with contextlib.suppress(DataError):
            np.testing.assert_array_equal(read_idx(path), VALUES)


def test_a_bomb_costs_no_memory(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx([1, 2, 3]) + bytes(64 * 2**20), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="bytes follow the last value"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_the_limit_holds_for_what_a_file_claims(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(WHOLE)
    assert read_idx(path, limit=12).shape == (3, 4)
    with pytest.raises(DataError, match=r"claims too much\. Expected at most 11 bytes"):
        read_idx(path, limit=11)


def test_a_missing_file_a_folder_and_another_number_of_axes_are_named_errors(tmp_path):
    with pytest.raises(DataError, match="the file is not there"):
        read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="the file cannot be read"):
        read_idx(tmp_path)
    path = tmp_path / "file"
    path.write_bytes(WHOLE)
    with pytest.raises(DataError, match=r"number of axes is wrong\. Expected 3; found 2"):
        read_idx(path, 3)


# MNIST --------------------------------------------------------------------------------------------


def test_mnist_gives_train_and_test_in_the_order_of_the_files(folder, arrays):
    train, test = nn.data.mnist(folder)
    for part, name in ((train, "train"), (test, "test")):
        images, labels = arrays[name]
        np.testing.assert_allclose(part.inputs, images.reshape(-1, 784) / 255, rtol=1e-6)
        np.testing.assert_array_equal(part.targets, labels)
        assert (part.inputs.dtype, part.targets.dtype) == (np.float32, np.int64)


def test_mnist_can_keep_the_images_axes_and_another_dtype(folder):
    train, _ = nn.data.mnist(str(folder), flatten=False, dtype=np.float64)
    assert (train.inputs.shape, train.inputs.dtype) == ((20, 28, 28), np.float64)


def test_mnist_sets_a_validation_part_apart_by_class(folder, arrays):
    train, validation, test = nn.data.mnist(folder, validation=0.5, rng=np.random.default_rng(0))
    assert np.bincount(train.targets).tolist() == [1] * 10
    assert np.bincount(validation.targets).tolist() == [1] * 10
    both = np.concatenate([train.inputs, validation.inputs])
    assert {row.tobytes() for row in both} == {
        row.tobytes() for row in nn.data.mnist(folder)[0].inputs
    }
    np.testing.assert_array_equal(test.targets, arrays["test"][1])


def test_mnist_takes_plain_files_and_names_with_a_dot(folder, arrays):
    for part, names in NAMES.items():
        for name, array in zip(names, arrays[part], strict=True):
            (folder / f"{name}.gz").unlink()
            (folder / name.replace("-idx", ".idx")).write_bytes(idx(array))
    train, test = nn.data.mnist(folder)
    assert (len(train.inputs), len(test.inputs)) == (20, 5)


def replaced(folder, name, array):
    (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-images-idx3-ubyte", np.zeros((20, 27, 28)), r"28 × 28; found \(27, 28\)"),
        ("train-images-idx3-ubyte", np.zeros((20, 28)), "number of axes is wrong. Expected 3"),
        ("train-labels-idx1-ubyte", np.zeros(19), "differ in number. Expected 20 labels; found 19"),
        (
            "t10k-labels-idx1-ubyte",
            [0, 1, 2, 3, 10],
            "a label is no digit. Expected 0 to 9; found 10",
        ),
        ("t10k-images-idx3-ubyte", np.zeros(5), "number of axes is wrong. Expected 3; found 1"),
    ],
)
def test_files_that_do_not_belong_together_are_named(folder, name, array, message):
    replaced(folder, name, array)
    with pytest.raises(DataError, match=message) as caught:
        nn.data.mnist(folder)
    assert name in str(caught.value)


def test_a_missing_file_or_folder_is_an_error_that_lists_the_names(folder):
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte is missing in .*fetches nothing"):
        nn.data.mnist(folder)
    with pytest.raises(DataError, match=r"there is no folder .*train-images-idx3-ubyte"):
        nn.data.mnist(folder / "none")


def test_a_validation_part_needs_a_fraction(folder):
    with pytest.raises(ConfigError, match="mnist: validation: expected a finite number in"):
        nn.data.mnist(folder, validation=10_000, rng=np.random.default_rng(0))


def test_names_of_classes_go_along(folder):
    assert nn.data.mnist(folder).classes == tuple("0123456789")
    garments = [f"garment {k}" for k in range(10)]
    assert nn.data.mnist(folder, validation=0.5, rng=0, classes=garments).classes == tuple(garments)
    for wrong in ("0123456789", ["a"]):
        with pytest.raises(ConfigError, match="mnist: classes"):
            nn.data.mnist(folder, classes=wrong)
