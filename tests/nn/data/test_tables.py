"""CSV files: the number that stands there, or an error that says where."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from autograd_core.errors import ConfigError, DataError
from nn.data import read_csv, stratified

PETS = "weight,colour,age,kind\n4.5,grey,3,cat\n11,brown,,dog\n3.9,brown,7,cat\n"


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_numbers_are_those_that_stand_there(written):
    texts = ["1", "-2.5", "+3.", ".5", "1e-3", "2E5", "007", "0", "-0.0", "12345678"]
    path = written("a,b\n" + "".join(f"{t},{t}\n" for t in texts))
    found = read_csv(path, "b", dtype=np.float64)
    assert found.inputs.ravel().tolist() == [float(t) for t in texts]
    assert found.targets.ravel().tolist() == [float(t) for t in texts]
    assert (found.columns, found.classes) == (("a",), ())
    assert read_csv(path, "b").inputs.dtype == np.float32


NO_NUMBERS = [
    "red", "inf", "-inf", "Infinity", "1_000", "1,5", "1 000", "0x10", "1e", "--1", "1e5.5", "٣", "½", "3,0",
    "1.2.3", "e5", ".", "-", "+", "True", "1e999", "4e38", "1e-60", "nan1",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_named_by_line_and_column(written, text):
    path = written(f'id,"the value",y\n1,2,3\n\n4,"{text}",6\n')
    with pytest.raises(
        DataError, match=r"line 4, column 1 \('the value'\)\. Expected a number"
    ) as error:
        read_csv(path, "y")
    assert repr(text) in str(error.value)
    assert str(path) in str(error.value)
    with pytest.raises(DataError, match="line 4, column 1"):
        read_csv(path, "the value")
    # where it is not asked for, it does not disturb
    assert read_csv(path, "y", ["id"]).inputs.ravel().tolist() == [1, 4]


def test_extremes_of_a_dtype(written):
    path = written("a,b\n3.4e38,1e-44\n")
    assert np.all(read_csv(path, "b").inputs > 3.3e38)
    assert read_csv(written("a,b\n1e308,0e-999\n"), "b", dtype=np.float64).targets.item() == 0
    with pytest.raises(DataError, match="a number that float16 holds"):
        read_csv(path, "b", dtype=np.float16)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [("2049", np.float16), ("16777217", np.float32), ("9007199254740993", np.float64), ("-" + "1" * 30, np.float64)],
)  # fmt: skip
def test_a_whole_number_is_not_rounded(written, text, dtype):
    with pytest.raises(
        DataError, match=r"line 2, column 0 \('id'\).*a whole number that .* holds"
    ) as error:
        read_csv(written(f"id,y\n{text},1\n"), "y", dtype=dtype)
    assert text in str(error.value)
    exact = str(int(text) - 1) if len(text) < 20 else "1" + "0" * 16
    assert read_csv(written(f"id,y\n{exact},1\n"), "y", dtype=dtype).inputs.item() == int(exact)
    assert read_csv(written(f"id,y\n{text},1\n"), "id", classes=True, dtype=dtype).classes == (
        text,
    )


@pytest.mark.parametrize("text", ["", "?", "NA", "nan", "NaN", "null"])
def test_what_is_missing_is_an_error_left_out_or_filled(written, text):
    path = written(f"a,b,y\n1,2,3\n{text},5,6\n7,8,9\n")
    with pytest.raises(
        DataError, match=r"line 3, column 0 \('a'\).*missing='drop', 'mean' or a number"
    ):
        read_csv(path, "y")
    assert read_csv(path, "y", missing="drop").inputs.tolist() == [[1, 2], [7, 8]]
    assert read_csv(path, "y", missing="mean").inputs.tolist() == [[1, 2], [4, 5], [7, 8]]
    assert read_csv(path, "y", missing=-1).inputs.tolist() == [[1, 2], [-1, 5], [7, 8]]
    # a column that is not used may have gaps; a target is never filled
    assert len(read_csv(path, "y", ["b"], missing="drop").inputs) == 3
    with pytest.raises(DataError, match=r"line 3, column 0.*pass missing='drop'"):
        read_csv(path, "a", missing=0)
    told = read_csv(written("a,y\n-999,1\n4,2\n"), "y", missing="mean", missing_texts=["-999"])
    assert told.inputs.ravel().tolist() == [4, 4]
    for wrong in ("median", None, True, np.nan, np.inf):
        with pytest.raises(ConfigError, match="read_csv: missing"):
            read_csv(path, "y", missing=wrong)


def test_names_are_encoded_by_choice(written):
    path = written(PETS)
    options = {"classes": True, "missing": "drop"}
    one = read_csv(path, "kind", categories={"colour": "one-hot"}, **options)
    assert one.columns == ("weight", "colour=brown", "colour=grey", "age")
    np.testing.assert_allclose(one.inputs, [[4.5, 0, 1, 3], [3.9, 1, 0, 7]], rtol=1e-6)
    number = read_csv(path, -1, categories={1: "integer"}, **options)
    assert number.inputs[:, 1].tolist() == [1, 0]
    given = read_csv(path, "kind", categories={"colour": ["grey", "white", "brown"]}, **options)
    assert given.columns[1:4] == ("colour=grey", "colour=white", "colour=brown")
    assert given.inputs[:, 1:4].tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(DataError, match=r"line 3, column 1 \('colour'\)\. Expected one of 'grey'"):
        read_csv(path, "kind", categories={"colour": ["grey"]}, classes=True)
    with pytest.raises(DataError, match=r"column 1 \('colour'\).*categories="):
        read_csv(path, "kind", **options)
    with pytest.raises(DataError, match=r"column 3 \('kind'\).*classes=True"):
        read_csv(path, "kind", ["weight"])


def test_classes_are_numbered_in_order(written):
    path = written("x,y\n1,10\n2,9\n3,10\n")
    found = read_csv(path, "y", classes=True)
    assert (found.classes, found.targets.tolist()) == (("9", "10"), [1, 0, 1])
    assert found.targets.dtype == np.int64
    named = read_csv(path, "y", classes=["10", "9"])
    assert named.targets.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match=r"line 3, column 1.*Expected one of '10', '11'"):
        read_csv(path, "y", classes=["10", "11"])
    assert stratified(read_csv(path, "y", ["x"], classes=["9", "10"]), [0.0], rng=0).classes == (
        "9",
        "10",
    )


FORMS = {
    "as it is": ("a,b\n1.5,2\n3,4\n", {}),
    "BOM": ("\ufeffa,b\n1.5,2\n3,4\n", {}),
    "CRLF": ("a,b\r\n1.5,2\r\n3,4\r\n", {}),
    "old Mac": ("a,b\r1.5,2\r3,4\r", {}),
    "no last newline": ("a,b\n1.5,2\n3,4", {}),
    "blank lines": ("\n\na,b\n\n1.5,2\n3,4\n\n\n", {}),
    "quotes": ('"a","b"\n"1.5","2"\n"3",4\n', {}),
    "spaces": (" a , b\n 1.5, 2 \n3 ,\t4\n", {}),
    "semicolons": ("a;b\n1.5;2\n3;4\n", {"delimiter": ";"}),
    "tabs": ("a\tb\n1.5\t2\n3\t4\n", {"delimiter": "\t"}),
    "decimal comma": ("a;b\n1,5;2\n3;4,0\n", {"delimiter": ";", "decimal": ","}),
    "quoted comma": ('a,b\n"1,5",2\n3,4\n', {"decimal": ",", "delimiter": ","}),
    "UTF-16": ("a,b\n1.5,2\n3,4\n".encode("utf-16"), {"encoding": "utf-16"}),
    "no header": ("1.5,2\n3,4\n", {"header": False, "columns": ["a", "b"]}),
    "names of one's own": ("1990,1991\n1.5,2\n3,4\n", {"columns": ["a", "b"]}),
}


@pytest.mark.parametrize("form", [f for f in FORMS if f != "quoted comma"])
def test_forms_of_files(written, form):
    text, options = FORMS[form]
    found = read_csv(written(text), "b", **options)
    assert found.inputs.tolist() == [[1.5], [3]]
    assert found.targets.tolist() == [[2], [4]]
    assert found.columns == ("a",)


def test_a_quoted_cell_may_hold_delimiters_and_lines(written):
    path = written('name,"x, y",n\n"a ""big""\ncity",1,2\nb,oops,4\n')
    found = read_csv(path, "n", ["name"], categories={"name": "one-hot"})
    assert found.columns == ('name=a "big"\ncity', "name=b")
    with pytest.raises(DataError, match=r"line 4, column 1 \('x, y'\)"):
        read_csv(path, "n", ["x, y"])


FAULTS = {
    "empty": ("", {}, "the file is empty"),
    "only blank lines": ("\n\n\r\n", {}, "the file is empty"),
    "a header alone": ("a,b\n", {}, "no examples"),
    "ragged, short": (
        "a,b\n1,2\n3\n",
        {},
        r"line 3 is of another width\. Expected 2 cells.*found 1",
    ),
    "ragged, long": ("a,b\n1,2\n\n3,4,5\n", {}, "line 4 is of another width.*found 3"),
    "one name twice": ("a,b,a\n1,2,3\n", {}, "columns 0 and 2 have one name.*columns="),
    "a nameless column": (",a,b\n0,1,2\n", {}, "column 0 has no name.*inputs="),
    "no header": ("1,2\n3,4\n", {}, r"line 1 is no header.*'1'.*header=False"),
    "no header, with names": ("red,2\nblue,4\n", {}, "line 1 is no header.*'2'"),
    "another delimiter": ("a;b\n1;2\n", {}, r"one column alone.*';'"),
    "an open quote": ('a,b\n1,"2\n3,4\n', {}, "line 2 cannot be read.*quotes"),
    "text behind a quote": ('a,b\n"1"x,2\n', {}, "line 2 cannot be read"),
    "Latin-1": ("a,b\nß,2\n".encode("latin-1"), {}, "cannot be decoded.*encoding="),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), {}, "cannot be decoded"),
    "zero bytes": (b"a,b\n1\0,2\n", {}, "line 2"),
    "decimal comma": ("a;b\n1,5;2\n", {"delimiter": ";"}, "pass decimal=','"),
    "nothing complete": ("a,b\n,2\n1,\n", {"missing": "drop"}, "no line is complete"),
    "no mean": ("a,b\n,2\n,1\n", {"missing": "mean"}, "has no value"),
    "a missing class": (
        "a,b\n1,\n",
        {"classes": True},
        r"line 2, column 1 \('b'\)\. Expected a name",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_a_named_error(written, fault):
    text, options, message = FAULTS[fault]
    path = written(text)
    with pytest.raises(DataError, match=message) as error:
        read_csv(path, "b", **options)
    assert str(path) in str(error.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(DataError, match="is not there"):
        read_csv(tmp_path / "none.csv", 0)
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, 0)
    for wrong in (0, b"table.csv", None):
        with pytest.raises(ConfigError, match="read_csv: expected a path"):
            read_csv(wrong, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": "c"}, "no column 'c'.*'a', 'b'"),
        ({"targets": 2}, "from 0 to 1; received 2"),
        ({"targets": -3}, "from 0 to 1"),
        ({"targets": []}, "targets"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["b"]}, "no target; received 'b'"),
        ({"targets": ["a", "b"]}, "inputs"),
        ({"targets": ["a", "b"], "inputs": ["a"]}, "inputs"),
        ({"delimiter": ",,"}, "delimiter"),
        ({"delimiter": "."}, "delimiter"),
        ({"decimal": ";"}, "decimal"),
        ({"categories": {"b": "one-hot"}}, "classes=True"),
        ({"categories": {"a": "ordinal"}}, "'one-hot', 'integer' or a list"),
        ({"categories": {"a": []}}, "different names"),
        ({"classes": ["1", "1"]}, "different names"),
        ({"columns": ["a"]}, "expected 2 names"),
        ({"columns": ["a", "a"]}, "different names"),
        ({"encoding": "klingon"}, "encoding"),
        ({"header": 1}, "header"),
        ({"targets": True}, "no column True"),
        ({"targets": None}, "targets: expected a column"),
        ({"targets": 1.0}, "targets: expected a column"),
        ({"targets": ["b", 1]}, "each column once"),
        ({"inputs": ["a", "a"]}, "each column once"),
        ({"categories": ["a"]}, "a mapping"),
        ({"encoding": None}, "encoding"),
    ],
)
def test_options_are_checked(written, options, message):
    path = written("a,b\n1,2\n3,4\n")
    with pytest.raises(ConfigError, match=f"read_csv: .*{message}"):
        read_csv(path, **{"targets": "b", **options})


def test_what_csv_writes_is_read_again(written, rng):
    table = rng.normal(size=(40, 3)) * 10.0 ** rng.integers(-20, 20, (40, 3))
    path = written("")
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows(
            [["a", "b, c", "d"], *table.tolist()]
        )
    found = read_csv(path, "d", dtype=np.float64)
    np.testing.assert_array_equal(np.hstack(found), table)
