"""The options of a build: one dataclass, filled from a YAML file, `key=value` words and options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from qa_builder.errors import QbsltError, known, raise_all
from qa_builder.questions.llm_options import portable

CORPORA = ("phoenix", "csl-daily", "labels", "table")


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """What decides the bytes of a dataset, beside the source files and the code."""

    corpus: str = "phoenix"
    """Which reader: phoenix, csl-daily, labels, table."""
    dataset: str | None = None
    """Name of the dataset; default: that of the corpus (phoenix-2014t-qa, ...)."""
    questions: str = "auto"
    """none, llm, annotated:FILE[,...] or column (a table's own); auto: column or none."""
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
        given["llm"] = portable(self.llm)
        return {k: v for k, v in given.items() if v not in (None, {})}


def _portable(questions: str) -> str:
    """Question files by name alone: the manifest's sources hold their hashes."""
    kind, colon, files = questions.partition(":")
    return kind + colon + ",".join(Path(f).name for f in files.split(",") if f)


def load_config(file: Path | None, words: Sequence[str], options: Mapping[str, Any]) -> BuildConfig:
    """Resolve a configuration: the defaults, then FILE, then `key=value` words, then options.

    Options that are None count as not given. Raises QbsltError, all errors at once.
    """
    given: dict[str, Any] = {}
    if file is not None:
        given |= _read_yaml(file)
    for more in (_parse_words(words), options):
        given = _merged(given, {k: v for k, v in more.items() if v is not None and v != {}})
    names = {f.name: f for f in fields(BuildConfig)}
    errors = [known(k, names, "option") for k in given if k not in names]
    errors += [
        QbsltError(f"the option {k} is {v!r}, expected {_type_name(str(names[k].type))}.")
        for k, v in given.items()
        if k in names and not _fits(v, str(names[k].type))
    ]
    raise_all(errors)
    config = replace(BuildConfig(), **given)
    if config.frames not in ("none", "check"):
        raise known(config.frames, ("none", "check"), "value of frames")
    return config


def _merged(given: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`more` wins; of mappings, key by key."""
    both = {k: {**given[k], **v} for k, v in more.items()
            if isinstance(v, dict) and isinstance(given.get(k), dict)}  # fmt: skip
    return {**given, **more, **both}


def _fits(value: Any, annotation: str) -> bool:
    if annotation == "dict[str, Any]":
        return isinstance(value, dict) and all(
            isinstance(v, str | int | float) for v in value.values()
        )
    if annotation.startswith("dict"):
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    if annotation == "int":
        return type(value) is int
    return isinstance(value, str) or (value is None and "None" in annotation)


def _type_name(annotation: str) -> str:
    return {"int": "a whole number"}.get(
        annotation, "a mapping" if "dict" in annotation else "text"
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise QbsltError("there is no such configuration file.", file=file) from None
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise QbsltError(f"is no YAML ({' '.join(str(e).split())}).", file=file) from None
    if not isinstance(data, dict) or not all(isinstance(k, str) for k in data):
        raise QbsltError("is no mapping of options.", file=file)
    return data


def _parse_words(words: Sequence[str]) -> dict[str, Any]:
    """`seed=3 columns.text=sentence` as a mapping."""
    import yaml

    result: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise QbsltError(f"{word!r} is no key=value.", cure="For instance seed=3.")
        outer, dot, inner = key.partition(".")
        if dot:
            result.setdefault(outer, {})[inner] = value
            continue
        try:
            result[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            result[key] = value
        if isinstance(result[key], float):
            result[key] = value
    return result
