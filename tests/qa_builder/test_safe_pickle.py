"""Pickles that try to run code: refused by name, and nothing has run."""

from __future__ import annotations

import copyreg
import gzip
import os
import pickle
import struct
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from corpus_files import Kept, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_builder.corpora.safe_pickle import Inert, load_plain
from qa_builder.errors import QbsltError

SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def text(value: str) -> bytes:
    """BINUNICODE: a string on the stack."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def attacks(command: str) -> dict[str, tuple[bytes, str]]:
    """Pickles that run a shell command when unpickled plainly, and the name that refuses them."""
    system = b"cposix\nsystem\n"
    one = text(command) + b"\x85"  # a tuple of the command
    return {
        "GLOBAL, REDUCE": (system + one + b"R.", "posix.system"),
        "STACK_GLOBAL": (b"\x80\x04" + text("os") + text("system") + b"\x93" + one + b"R.",
                         "os.system"),
        "INST": (b"(" + text(command) + b"iposix\nsystem\n.", "posix.system"),
        "OBJ": (b"(" + system + text(command) + b"o.", "posix.system"),
        "NEWOBJ": (b"\x80\x02csubprocess\nPopen\n" + one + b"\x81.", "subprocess.Popen"),
        "NEWOBJ_EX": (b"\x80\x04csubprocess\nPopen\n" + one + b"}\x92.", "subprocess.Popen"),
        "builtins.eval": (b"cbuiltins\neval\n" + text(f"__import__('os').system({command!r})")
                          + b"\x85R.", "builtins.eval"),
        "getattr chain": (b"cbuiltins\ngetattr\n" + b"cos\n__dict__\n" + text("system") + b"\x86R"
                          + one + b"R.", "builtins.getattr"),
        "dotted name": (b"\x80\x04" + text("collections") + text("OrderedDict.__init__.__globals__")
                        + b"\x93.", "collections.OrderedDict.__init__.__globals__"),
        "BUILD, __setstate__": (b"ccollections\nOrderedDict\n)R}" + text("__setstate__") + system
                                + b"sb" + text(command) + b"b.", "posix.system"),
        "__reduce_ex__": (b"ccopyreg\n__newobj__\ncsubprocess\nPopen\n" + one + b"\x86R.",
                          "copyreg.__newobj__"),
        "functools.partial": (b"cfunctools\npartial\n" + system + text(command) + b"\x86R)R.",
                              "functools.partial"),
        "persistent id": (b"P" + command.encode() + b"\n.", "a persistent id"),
        "binary persistent id": (text(command) + b"Q.", "a persistent id"),
        "in a list, after sound data": (b"](K\x01" + system + one + b"Re.", "posix.system"),
        "look-alike of numpy": (b"cnumpyevil\nsystem\n.", "numpyevil.system"),
        "pickle of a pickle": (b"cpickle\nloads\n" + b"C\x10" + b"cos\nsystem\n(tR.."
                               + b"\x85R.", "pickle.loads"),
    }  # fmt: skip


@pytest.mark.parametrize("route", attacks(""))
@pytest.mark.parametrize("packed", [False, True])
def test_no_route_to_code_is_open(route: str, packed: bool, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    data, name = attacks(f"touch {mark}")[route]
    path = write(tmp_path / "labels.dev", gzip.compress(data) if packed else data)
    with pytest.raises(QbsltError) as e:
        load_plain(path)
    assert name in str(e.value) and "nothing was run" in str(e.value) and str(path) in str(e.value)
    time.sleep(0.005 if "Popen" in name else 0)
    assert not mark.exists()


def test_the_attacks_are_real(tmp_path: Path) -> None:
    """Else the test above would show nothing: most of them work on the plain reader."""
    ran = set()
    for route, (data, _) in attacks(f"touch {tmp_path}/mark").items():
        if "Popen" in str(data) or "persistent" in route:
            continue
        try:
            pickle.loads(data)
        except Exception as e:
            assert "unpickling" not in str(e), route
        if (tmp_path / "mark").exists():
            ran.add(route)
            (tmp_path / "mark").unlink()
    assert {"GLOBAL, REDUCE", "STACK_GLOBAL", "INST", "OBJ", "builtins.eval"} <= ran


def test_extension_codes_are_refused_even_when_known(tmp_path: Path) -> None:
    """A code that was loaded before is cached, and the cache does not ask for permission."""
    mark = tmp_path / "it-ran"
    data = b"\x80\x02\x82\xf0" + text(f"touch {mark}") + b"\x85R."
    path = write(tmp_path / "x.dev", data)
    with pytest.raises(QbsltError, match="unregistered extension code"):
        load_plain(path)
    copyreg.add_extension("os", "system", 0xF0)
    try:
        with pytest.raises(QbsltError, match=r"os\.system"):
            load_plain(path)
        assert pickle.loads(b"\x80\x02\x82\xf0.") is os.system
        with pytest.raises(QbsltError, match=r"os\.system"):
            load_plain(path)
    finally:
        copyreg.remove_extension("os", "system", 0xF0)
    assert not mark.exists()


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch it-ran",)


def test_nested_pickle_of_a_torch_storage_is_not_opened(tmp_path: Path) -> None:
    """torch.load saves storages as bytes that its own function unpickles plainly."""
    inner = pickle.dumps(Evil())
    data = (b"\x80\x02ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(inner)) + inner
            + b"\x85R.")  # fmt: skip
    assert isinstance(load_plain(write(tmp_path / "x.dev", data)), Inert)
    assert not Path("it-ran").exists() and not (tmp_path / "it-ran").exists()


@pytest.mark.parametrize(
    "name", ["torch._utils _rebuild_tensor_v2", "numpy.core.multiarray _reconstruct",
             "numpy ndarray", "torch.nn.parameter Parameter"],
)  # fmt: skip
def test_constructors_of_torch_and_numpy_are_inert(name: str, tmp_path: Path) -> None:
    module, function = name.split()
    build = f"c{module}\n{function}\n".encode()
    data = (
        b"\x80\x02}"
        + text("sign")
        + build
        + b"(K\x01K\x02tR}"
        + text("x")
        + b"K\x01sbsU\x01nK\x05s."
    )
    loaded = load_plain(write(tmp_path / "x.dev", data))
    assert isinstance(loaded["sign"], Inert) and loaded["n"] == 5
    assert "not read" in repr(loaded["sign"])
    new = b"\x80\x02" + build + b"K\x03\x85\x81."
    assert isinstance(load_plain(write(tmp_path / "y.dev", new)), Inert)


def test_a_real_numpy_array(tmp_path: Path) -> None:
    import numpy as np

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"a": np.arange(3), "b": np.float32(1), "c": [1]}, protocol)
        loaded = load_plain(write(tmp_path / "x.dev", data))
        assert loaded["c"] == [1]
        assert {type(loaded["a"]), type(loaded["b"])} == {Inert}


def test_classes_can_not_be_changed_by_build(tmp_path: Path) -> None:
    """BUILD with slot state sets attributes; on the stand-ins it must change nothing for good."""
    slots = b"N}" + text("__new__") + b"K\x01s\x86b."
    for target in (b"ctorch\nx\n", b"ccollections\nOrderedDict\n", b"cbuiltins\nset\n"):
        with pytest.raises(QbsltError):
            load_plain(write(tmp_path / "x.dev", b"\x80\x02" + target + slots))
    assert isinstance(Inert(1, a=2), Inert) and OrderedDict(a=1) == {"a": 1}


BOMBS = {
    "memo of 32 GB": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "memo in digits": b"Np2147483000\n.",
    "bytearray": b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x10\x85R.",
    "string length": b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x.",
}


@pytest.mark.parametrize("what", BOMBS)
def test_few_bytes_can_not_take_all_the_memory(what: str, tmp_path: Path) -> None:
    start = time.perf_counter()
    with pytest.raises(QbsltError) as e:
        load_plain(write(tmp_path / "x.dev", BOMBS[what]))
    assert "Copy it again" in str(e.value) and time.perf_counter() - start < 60
    assert len(bytearray(1 << 29)) == 1 << 29  # the limit is for the loading alone


def test_cut_and_foreign_files(tmp_path: Path) -> None:
    whole = gzip.compress(pickle.dumps({"a": [1, "zwei"] * 50}))
    for cut in (*range(0, len(whole), 7), len(whole) - 1):
        with pytest.raises(QbsltError, match="Copy it again"):
            load_plain(write(tmp_path / "x.dev", whole[:cut]))
    for foreign in (b"", b"name|split\n", b"PK\x03\x04zip", b"\x89PNG\r\n", b"\xff" * 99):
        with pytest.raises(QbsltError):
            load_plain(write(tmp_path / "x.dev", foreign))
    with pytest.raises(QbsltError, match="no such file"):
        load_plain(tmp_path / "nowhere")


def test_the_command_says_it_and_loses_nothing(tmp_path: Path) -> None:
    data, name = attacks(f"touch {tmp_path}/it-ran")["STACK_GLOBAL"]
    write(tmp_path / "in/labels.dev", gzip.compress(data))
    write(tmp_path / "csl/sentence_label/csl2020ct_v2.pkl", data)
    write(tmp_path / "csl/sentence_label/split_1.txt", "name|split\na|train\n")
    kept = Kept(tmp_path)
    kept.refuses("labels", "--root", tmp_path / "in", words=["labels.dev", name, "nothing was run"])
    kept.refuses("csl-daily", "--root", tmp_path / "csl", words=["csl2020ct_v2.pkl", name])
    assert not (tmp_path / "it-ran").exists()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(max_size=8),
    lambda x: st.lists(x, max_size=4) | st.tuples(x, x) | st.dictionaries(st.text(), x, max_size=4)
    | st.sets(st.integers(), max_size=3) | st.frozensets(st.text(), max_size=3)
    | st.dictionaries(st.integers(), x, max_size=3).map(OrderedDict) | st.binary().map(bytearray),
    max_leaves=12,
)  # fmt: skip


@SETTINGS
@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL), st.booleans())
def test_plain_containers_come_back(
    tmp_path: Path, value: Any, protocol: int, packed: bool
) -> None:
    data = pickle.dumps(value, protocol)
    assert load_plain(write(tmp_path / "x", gzip.compress(data) if packed else data)) == value


@SETTINGS
@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"\x80\x04(]}N" + b + b"."),
       st.booleans())  # fmt: skip
def test_garbage_is_a_sentence(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = write(tmp_path / "x", gzip.compress(data) if packed else data)
    try:
        load_plain(path)
    except QbsltError as e:
        assert str(path) in str(e) and len(str(e)) < 600


@SETTINGS
@given(st.data())
def test_damaged_pickles_are_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    rows = [{"name": f"c{i}", "text": "ein satz", "length": i} for i in range(20)]
    whole = bytearray(pickle.dumps(rows, data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        load_plain(write(tmp_path / "x", bytes(whole)))
    except QbsltError as e:
        assert len(str(e)) < 600
