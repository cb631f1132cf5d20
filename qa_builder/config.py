"""The options of a build: one dataclass, filled from a YAML file, `key=value` words and options."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from qa_builder.corpora.textfile import shown
from qa_builder.errors import QbsltError, known, raise_all
from qa_builder.questions.candidates import BUDGET


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """What decides the bytes of a dataset, beside the source files and the code."""

    corpus: str = "phoenix"
    """Which reader: phoenix, csl-daily, labels, table."""
    dataset: str | None = None
    """Name of the dataset; default: that of the corpus (phoenix-2014t-qa, ...)."""
    questions: str = "auto"
    """rules, llm, none, annotated:PATH[,...], column (a table's own); auto: column or rules."""
    per_clip: int = 1
    """Rules and language models: how many different questions a clip gets."""
    budget: float = BUDGET
    """Rules and language models: the most content recall that a question may have, 0..1."""
    reviewed: str | None = None
    """Rules: reviews of questions to heed: a file's beside ours, or none; default: ours."""
    format: str | None = None
    """Format of the annotated questions; default: found by looking at the file."""
    seed: int = 0
    """Seed of whatever is drawn; nothing is drawn with annotated questions."""
    frames: str = "none"
    """check: compare the frame folders with n_frames."""
    annotations: str = "auto"
    """CSL-Daily: pickle, video-map, or auto (the pickle where there is one)."""
    columns: dict[str, str] = field(default_factory=dict)
    """Table: field -> column name, where the file's names are not the usual ones."""
    split: str | None = None
    """Table: the split of files that name none."""
    delimiter: str | None = None
    """Table: the character between fields; default by the file's ending."""
    language: str | None = None
    """Table: ISO 639-1 code of the sentences (needed)."""
    sign_language: str | None = None
    """Table: ISO 639-3 code of the sign language."""
    fps: str | None = None
    """Table: frames per second, as a number or fraction ("30000/1001")."""
    licence: str | None = None
    """Table: licence of the user's corpus, for the card."""
    llm: dict[str, Any] = field(default_factory=dict)
    """Language model: base_url, model, prompt, temperature, ... (questions.llm_options)."""

    def as_dict(self) -> dict[str, Any]:
        """The options that are set, as the manifest and config.yaml hold them."""
        given = asdict(self)
        given["questions"] = _portable(self.questions)
        given["reviewed"] = Path(self.reviewed).name if self.reviewed else None
        if self.llm:
            from qa_builder.questions.llm_options import portable

            given["llm"] = portable(self.llm)
        return {k: v for k, v in given.items() if v not in (None, {})}


def _portable(questions: str) -> str:
    """Question files by name alone: the manifest's sources hold their hashes."""
    kind, colon, files = questions.partition(":")
    return kind + colon + ",".join(Path(f).name for f in files.split(",") if f)


def load_config(file: Path | None, words: Sequence[str], options: Mapping[str, Any]) -> BuildConfig:
    """Resolve a configuration: the defaults, then FILE, then `key=value` words, then options.

    Options that are None count as not given; mappings (columns) are merged entry by entry. Raises
    QbsltError, all errors at once.
    """
    given = _read_yaml(file) if file is not None else {}
    for layer in (_parse_words(words), {k: v for k, v in options.items() if v is not None}):
        for key, value in layer.items():
            old = given.get(key)
            both = isinstance(value, dict) and isinstance(old, dict)
            given[key] = old | value if both else value
    types = {f.name: str(f.type) for f in fields(BuildConfig)}
    errors = [known(k, types, "option") for k in given if k not in types]
    values = {k: _value(v, types[k]) for k, v in given.items() if k in types}
    errors += [
        QbsltError(f"the option {k} is {shown(given[k])}, expected {_expected(types[k])}.")
        for k, v in values.items() if v is None and given[k] is not None
    ]  # fmt: skip
    errors += [
        known(v, choices, f"value of {k}")
        for k, choices in _choices().items() if (v := values.get(k)) and v not in choices
    ]  # fmt: skip
    name = values.get("dataset")
    if name and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        errors.append(QbsltError(f"the option dataset is {shown(name)}, expected a name.",
                                 cure="Letters, digits, '-', '_' and '.', for instance my-qa."))  # fmt: skip  # noqa: E501
    raise_all(errors)
    config = replace(BuildConfig(), **{k: v for k, v in values.items() if v is not None})
    resolved = config.questions == "auto" and config.corpus != "table"
    return replace(config, questions="rules") if resolved else config


def _choices() -> dict[str, tuple[str, ...]]:
    """The values that some options are to be chosen from."""
    from qa_builder.corpora.base import ANNOTATIONS
    from qa_builder.questions.formats import FORMATS

    return {"frames": ("none", "check"), "annotations": ANNOTATIONS, "format": FORMATS}


def _value(value: Any, annotation: str) -> Any:
    """A value as its field holds it; None where it doesn't fit. Numbers may be text and back."""
    if annotation.startswith("dict"):
        types = (str,) if annotation.endswith("str]") else (str, int, float)
        fits = isinstance(value, dict) and all(
            type(k) is str and type(v) in types for k, v in value.items()
        )
        return value if fits else None
    if annotation == "float":
        try:
            return float(value)
        except (TypeError, ValueError):
            return None
    if annotation == "int":
        digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value)
        return int(value) if digits or type(value) is int else None
    return str(value) if type(value) in (str, int, float) else None


def _expected(annotation: str) -> str:
    if annotation.startswith("dict"):
        return "a mapping of names"
    numbers = {"int": "a whole number", "float": "a number"}
    return numbers.get(annotation, "text (quoted, if YAML takes it for else)")


def _read_yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise QbsltError("there is no such configuration file.", file=file,
                         cure="--config takes the path of a YAML file.") from None  # fmt: skip
    except (yaml.YAMLError, ValueError, RecursionError) as e:  # ValueError: of encoding, of a date
        mark = getattr(e, "problem_mark", None)
        raise QbsltError(f"is no YAML ({shown(' '.join(str(e).split()))}).", file=file,
                         line=mark.line + 1 if mark else None, cure=_YAML) from None  # fmt: skip
    if not isinstance(data, dict) or not all(isinstance(k, str) for k in data):
        raise QbsltError("is no mapping of options.", file=file, cure=_YAML)
    return data


_YAML = "A configuration has lines like `seed: 3`; that of any built dataset is one."


def _parse_words(words: Sequence[str]) -> dict[str, Any]:
    """`seed=3 columns.text=sentence` as a mapping."""
    result: dict[str, Any] = {}
    errors = []
    for word in words:
        key, equals, value = word.partition("=")
        outer, dot, inner = key.partition(".")
        if not equals:
            errors.append(
                QbsltError(f"{shown(word)} is no key=value.", cure="For instance seed=3.")
            )
        elif not dot:
            result[key] = value
        elif isinstance(result.setdefault(outer, {}), dict):
            result[outer][inner] = value
    raise_all(errors)
    return result
