"""The options of our models: presets, what is refused, and that everything is said at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from baselines import config as module
from baselines.config import METHODS, PRESETS, Config, configure, resolve
from baselines.options import GENERAL
from qa_builder.errors import ErrorList, QbsltError

VIDEO = {"features": "store"}
CONFIGS = Path(module.__file__).parent / "configs"


def refused(method: str, **options: Any) -> str:
    with pytest.raises(QbsltError) as e:
        resolve(METHODS[method], options)
    return str(e.value)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_every_option_and_can_be_given_again(method: str, name: str) -> None:
    cls = METHODS[method]
    given: dict[str, Any] = {"preset": name, **(VIDEO if cls.sees_video else {})}
    if name == "paper":
        given["pretrained"] = "facebook/mbart-large-cc25"
    found = resolve(cls, given)
    assert list(found) == [f.name for f in fields(cls)]
    assert resolve(cls, found) == found == resolve(cls, yaml.safe_load(yaml.safe_dump(found)))
    file = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text("utf-8"))
    assert file.keys() <= {GENERAL, *METHODS}
    for section, values in file.items():
        known = {f.name for f in fields(METHODS.get(section, Config))}
        assert values.keys() <= known - {"preset", "features", "pretrained", "vocabulary"}
        for key, value in values.items():
            if section in (GENERAL, method) and key not in file.get(method, {}):
                assert found[key] == value


def test_options_win_over_the_preset_and_paths_become_absolute() -> None:
    text = {"learning_rate": "1e-3", "beams": "3", "ssaw": "no", "features": "a/store"}
    found = configure(METHODS["ssl-ssaw"], text)
    assert (found.learning_rate, found.beams, found.preset) == (0.001, 3, "small")
    assert found.features == str(Path.cwd() / "a/store")
    assert not configure(METHODS["ssl-ssaw"], text).ssaw  # type: ignore[attr-defined]
    named = configure(METHODS["gloss-free"], {**VIDEO, "pretrained": "facebook/mbart-large-cc25"})
    assert named.pretrained == "facebook/mbart-large-cc25"


def test_all_errors_at_once() -> None:
    said = refused(
        "ssl-ssaw", feature="x", learning_rate="fast", dropout=1, epochs=True, beams=2.5, heads=7,
        control="wrong", tensorboard="maybe", d_model=None, weight_decay="nan",
    )  # fmt: skip
    for part in (
        "unknown option of ssl-ssaw 'feature'; known are: allow_missing_features, ",
        "learning_rate is 'fast', expected a number",
        "dropout is 1, expected 0 or more and less than 1",
        "epochs is True, expected a whole number", "beams is 2.5, expected a whole number",
        "unknown value of control 'wrong'; known are: none, question-only, wrong-question",
        "tensorboard is 'maybe', expected true or false", "d_model is None, expected a whole",
        "d_model=256 can't be divided by heads=7", "weight_decay is 'nan', expected a number",
        "needs a store of sign features. Pass features=STORE",
    ):  # fmt: skip
        assert part in said, part
    assert "Did you mean 'features'?" in said and said.count("Did you mean") == 1
    assert said.count("\n") == 10
    assert issubclass(ErrorList, QbsltError)


@pytest.mark.parametrize(("method", "options", "part"), [
    ("ssl-ssaw", {**VIDEO, "batch_size": 1}, "batch_size=1 leaves the contrastive loss without"),
    ("ssl-ssaw", {**VIDEO, "batch_frames": 600}, "holds only one clip of max_frames=512"),
    ("gloss-free", {**VIDEO, "batch_frames": 500}, "a long clip fits into no batch"),
    ("gloss-to-text", VIDEO, "the model gloss-to-text sees no video"),
    ("gloss-free", {**VIDEO, "preset": "paper"}, "prepare-vocabulary --checkpoint"),
    ("gloss-free", {**VIDEO, "pretrained": "a", "vocabulary": "b"}, "Leave one of them away"),
    ("gloss-free", {**VIDEO, "preset": "huge"}, "unknown value of preset 'huge'; known are: paper"),
    ("gloss-free", {**VIDEO, "ctc_weight": 1}, "unknown option of gloss-free 'ctc_weight'"),
    ("gloss-assisted", {**VIDEO, "gloss": "ctc", "ctc_weight": 0}, "would never learn to read"),
    ("ssl-ssaw", {**VIDEO, "question": "none", "control": "wrong-question"}, "needs the questions"),
])  # fmt: skip
def test_what_cannot_be(method: str, options: dict[str, Any], part: str) -> None:
    said = refused(method, **options)
    assert part in said and "\n" not in said


def test_batches_of_one_are_fine_without_a_contrastive_loss() -> None:
    options = {**VIDEO, "batch_size": 1, "contrast_weight": 0}
    assert configure(METHODS["ssl-ssaw"], options).batch_size == 1
    assert configure(METHODS["gloss-free"], {**VIDEO, "batch_size": 1}).batch_size == 1


def test_every_field_has_a_docstring_and_limits_that_hold_for_its_default() -> None:
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for field, after in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and "ClassVar" not in ast.unparse(field):
                    said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                    assert said, f"{node.name}.{ast.unparse(field.target)} has no docstring"
    for cls in METHODS.values():
        for f in fields(cls):
            if f.default is not MISSING and f.metadata.get("choices"):
                assert f.default in f.metadata["choices"]


def test_it_loads_without_torch() -> None:
    code = (
        "import sys; from baselines.config import METHODS, resolve\n"
        "resolve(METHODS['gloss-to-text'], {}); import baselines.cli\n"
        "print([m for m in ('torch', 'numpy', 'tokenizers', 'transformers') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stdout + run.stderr
