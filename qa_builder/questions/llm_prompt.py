"""Prompts of a language model: versioned YAML files with slots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from qa_builder.errors import QbsltError, known, raise_all
from qa_builder.questions.gates import REASONS, Rejection

FOLDER = Path(__file__).parent / "llm_prompts"
SLOTS = {"ask": {"sentence", "candidates"}, "again": {"rejected", "candidates"}}
UNUSABLE = "unusable"  # a reply that holds no questions


@dataclass(frozen=True)
class Prompt:
    """The wording of a request. `docs/llm-questions.md` explains the file."""

    path: Path
    version: str
    sha256: str  # of the file
    ask: Template
    again: Template
    reasons: dict[str, str]  # gate -> what the model is told

    def message(self, sentence: str, candidates: int) -> str:
        """What the model is sent: one user message, as some models know no other role."""
        return self.ask.substitute(sentence=sentence, candidates=candidates).strip()

    def repeat(
        self, message: str, candidates: int, rejected: Sequence[tuple[str, Rejection]]
    ) -> str:
        """A message again, with the questions that can't be used and why."""
        lines = "\n".join(f"- {q}: {self.reasons[r.reason]}" for q, r in rejected)
        return self._with(message, candidates, lines)

    def repair(self, message: str, candidates: int) -> str:
        """A message again, after a reply without any questions in it."""
        return self._with(message, candidates, f"- {self.reasons[UNUSABLE]}")

    def _with(self, message: str, candidates: int, rejected: str) -> str:
        again = self.again.substitute(rejected=rejected, candidates=candidates)
        return f"{message}\n\n{again.strip()}"


def load_prompt(name: str | None, language: str) -> Prompt:
    """The prompt of a name that ships, of a YAML file, or (None) of a language.

    Raises QbsltError, all errors of a file at once: no such prompt, an unknown or missing slot, a
    missing text, another language.
    """
    path = FOLDER / f"{name or f'{language}-1'}.yaml"
    if not path.is_file():
        shipped = sorted(p.stem for p in FOLDER.glob("*.yaml"))
        if name is None:
            raise QbsltError(f"no prompt for the language {language!r} ships.",
                             cure="Write one and pass --llm prompt=FILE (docs/llm-questions.md).")  # fmt: skip  # noqa: E501
        path = Path(name)
        if not path.is_file():
            raise known(name, shipped, "prompt (and no such file)")
    data = _read(path)
    errors = [
        QbsltError(f"has no text {key!r}.", file=path)
        for key in ("version", "language", "ask", "again") if not isinstance(data.get(key), str)
    ]  # fmt: skip
    given = data.get("reasons")
    reasons: dict[str, str] = given if isinstance(given, dict) else {}
    errors += [
        QbsltError(f"has no text {key!r} under `reasons`.", file=path)
        for key in (*REASONS, UNUSABLE) if not isinstance(reasons.get(key), str)
    ]  # fmt: skip
    raise_all(errors)
    if data["language"] != language:
        raise QbsltError(f"is a prompt for {data['language']!r}, the corpus is in {language!r}.",
                         file=path, cure="Name another with --llm prompt=FILE.")  # fmt: skip
    raise_all(e for key in SLOTS for e in _slot_errors(path, key, data[key]))
    return Prompt(
        path, data["version"], hashlib.sha256(path.read_bytes()).hexdigest(),
        Template(data["ask"]), Template(data["again"]), reasons,
    )  # fmt: skip


def _slot_errors(path: Path, key: str, text: str) -> list[QbsltError]:
    template = Template(text)
    if not template.is_valid():
        return [QbsltError(f"has a $ in {key!r} that starts no slot.", file=path,
                           cure="Write $$ for a dollar sign.")]  # fmt: skip
    have, want = set(template.get_identifiers()), SLOTS[key]
    known_slots = ", ".join(f"${s}" for s in sorted(want))
    return [
        QbsltError(f"lacks the slot ${s} in {key!r}.", file=path, cure=f"It needs {known_slots}.")
        for s in sorted(want - have)
    ] + [
        QbsltError(f"has an unknown slot ${s} in {key!r}.", file=path,
                   cure=f"Known are {known_slots}; write $$ for a dollar sign.")
        for s in sorted(have - want)
    ]  # fmt: skip


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise QbsltError(f"is no YAML ({' '.join(str(e).split())}).", file=path) from None
    if not isinstance(data, dict):
        raise QbsltError("is no prompt file: a mapping was expected.", file=path)
    return data
