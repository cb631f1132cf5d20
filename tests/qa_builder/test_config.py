"""Options of a build: YAML, key=value and command line, and all that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from corpus_files import Kept, built, qa_builder, refused, write, write_phoenix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_builder.config import BuildConfig, load_config
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError
from qa_builder.verify import verify


def test_later_layers_win(tmp_path: Path) -> None:
    file = write(
        tmp_path / "c.yaml", "seed: 1\nlanguage: zh\nfps: 25\ncolumns: {text: a, gloss: b}\n"
    )
    assert load_config(file, (), {}) == BuildConfig(
        seed=1, language="zh", fps="25", columns={"text": "a", "gloss": "b"}, questions="rules"
    )
    config = load_config(file, ("seed=2", "language=en", "columns.text=c"), {"seed": 3})
    assert (config.seed, config.language, config.fps) == (3, "en", "25")
    assert config.columns == {"text": "c", "gloss": "b"}
    merged = load_config(file, ("columns.signer=s",), {"columns": {"gloss": "z"}, "language": None})
    assert merged.columns == {"text": "a", "gloss": "z", "signer": "s"}
    assert load_config(None, (), {"columns": {}, "seed": None}) == BuildConfig(questions="rules")


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("seed=-3", "seed", -3), ("dataset=123", "dataset", "123"), ("fps=29.97", "fps", "29.97"),
        ("fps=30000/1001", "fps", "30000/1001"), ("language=no", "language", "no"),
        ("licence=2020-01-01", "licence", "2020-01-01"), ("delimiter=;", "delimiter", ";"),
        ("licence=a=b", "licence", "a=b"), ("questions=none", "questions", "none"),
    ],
)  # fmt: skip
def test_words_are_taken_as_they_are_written(word: str, field: str, value: Any) -> None:
    assert getattr(load_config(None, (word,), {}), field) == value


def test_all_errors_at_once(tmp_path: Path) -> None:
    file = write(tmp_path / "c.yaml", "sead: 1\nlanguage: no\ncolumns: [a]\nformat: xml\n")
    with pytest.raises(QbsltError) as e:
        load_config(file, ("frames=yes", "seed=x", "annotations=both", "dataset=a/b"), {})
    said = str(e.value)
    assert "unknown option 'sead'; known are: annotations, budget, columns, corpus, dataset" in said
    assert "language is False, expected text (quoted" in said
    assert "columns is ['a'], expected a mapping" in said
    assert "unknown value of format 'xml'; known are: csl-pipes, csl-q, phoenix-blank" in said
    assert "unknown value of frames 'yes'; known are: check, none" in said
    assert "seed is 'x', expected a whole number" in said
    assert "unknown value of annotations 'both'; known are: auto, pickle, video-map" in said
    assert "dataset is 'a/b', expected a name" in said
    assert said.count("\n") == 7


BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "list": ("- a\n- b\n", "is no mapping of options"),
    "number": ("7\n", "is no mapping of options"),
    "keys": ("1: a\n", "is no mapping of options"),
    "syntax": ("seed: 1\na: [1\n", "c.yaml:3: is no YAML"),
    "object": ("seed: !!python/object/apply:os.system [touch it-ran]\n", "c.yaml:1: is no YAML"),
    "date": ("licence: 2020-13-45\n", "is no YAML"),
    "Latin-1": ("licence: für\n".encode("latin-1"), "is no YAML"),
    "binary": (b"\x00\x01\x02", "is no YAML"),
    "deep": ("a: " + "[" * 20_000, "is no YAML"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_files(what: str, tmp_path: Path) -> None:
    content, words = BAD_FILES[what]
    file = write(tmp_path / "c.yaml", content)
    root = write_phoenix(tmp_path / "root")
    Kept(tmp_path).refuses("phoenix", "--root", root, "--config", file,
                           words=[str(file), words, "lines like `seed: 3`"])  # fmt: skip
    assert not Path("it-ran").exists()


def test_by_the_command(tmp_path: Path) -> None:
    root, out = write_phoenix(tmp_path / "root"), tmp_path / "out"
    file = write(tmp_path / "c.yaml", "\ufeffseed: 4\ndataset: mine\n")
    built("phoenix", "--root", root, "--config", file, "--out", out, "seed=5")
    resolved = yaml.safe_load((out / "config.yaml").read_text("utf-8"))
    assert resolved == {"annotations": "auto", "corpus": "phoenix", "dataset": "mine",
                        "frames": "none", "questions": "rules", "seed": 5,
                        "per_clip": 1, "budget": 0.5}  # fmt: skip
    assert open_dataset(out).manifest["config"] == resolved and open_dataset(out).name == "mine"
    built("phoenix", "--root", root, "--config", file, "--out", out, "seed=5", "--seed", "6")
    assert open_dataset(out).manifest["config"]["seed"] == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("sead=3",), ["unknown option 'sead'", "known are:", "seed"]),
        (("seed",), ["'seed' is no key=value", "For instance seed=3"]),
        (("seed=1.5",), ["seed is '1.5'", "a whole number"]),
        (("columns=a", "columns.text=b"), ["columns is 'a'", "a mapping"]),
        (("--seed", "x"), ["--seed", "'x' is not a valid integer"]),
        (("--frames", "chek"), ["unknown value of frames 'chek'", "check, none"]),
        (("--format", "xml"), ["unknown value of format 'xml'", "csl-pipes"]),
        (("--questions", "rulez"), ["unknown source of questions 'rulez'", "annotated"]),
        (("--questions", "none", "--questions", "annotated:x"), ["source of questions"]),
        (("--questions", "annotated:"), ["annotated questions need files"]),
        (("--questions", "annotated:/nowhere,/else"), ["/nowhere", "/else", "no such file"]),
        (("--questions", "column"), ["is for `build table`"]),
        (("--config", "/nowhere.yaml"), ["/nowhere.yaml", "no such configuration"]),
        (("--config", "/"), ["/", "a file was expected"]),
        (("--dataset", "../up"), ["dataset is '../up'", "expected a name"]),
        (("--foo",), ["No such option '--foo'"]),
    ],
)
def test_wrong_options(options: tuple[str, ...], words: list[str], tmp_path: Path) -> None:
    root, kept = write_phoenix(tmp_path / "root"), Kept(tmp_path)
    refused(qa_builder("build", "phoenix", "--root", root, "--out", kept.out, *options), *words)
    assert verify(kept.out) == []


def test_wrong_corpus_and_annotations() -> None:
    refused(qa_builder("build", "how2sign"), "No such command 'how2sign'")
    refused(qa_builder("build", "csl-daily", "--annotations", "csv"), "annotations 'csv'", "pickle")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda x: st.lists(x, max_size=2) | st.dictionaries(st.text(max_size=4), x, max_size=2),
    max_leaves=4,
)
KEYS = st.sampled_from(["seed", "columns", "fps", "dataset", "format", "sead", ""])


@settings(max_examples=150, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    data=st.dictionaries(KEYS, VALUES, max_size=4), words=st.lists(st.text(max_size=9), max_size=2)
)
def test_any_configuration_is_one_or_a_sentence(tmp_path: Path, data: Any, words: Any) -> None:
    file = write(tmp_path / "c.yaml", yaml.safe_dump(data, allow_unicode=True).encode("utf-8"))
    try:
        config = load_config(file, words, {"fps": "25"})
    except QbsltError as e:
        assert len(str(e)) < 3000
    else:
        assert config.fps == "25" and type(config.seed) is int
