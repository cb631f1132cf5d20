"""A folder of submissions for a toy dataset, made on the spot: from the references, with noise."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml

from qa_builder.dataset import open_dataset

HOSTILE = "<script>alert(1)</script>"
HOSTILE_FILE = "<img src=x onerror=alert(1)>.txt"
FIELDS: dict[str, Any] = {
    "paper": "https://example.org/paper?a=1&b=2", "code": "none", "commit": "0123456",
    "training_data": ["the train split"], "seen_test": "no",
}  # fmt: skip


def references(dataset: Path, split: str = "test") -> list[str]:
    """The sentences of a split."""
    return list(open_dataset(dataset).columns(split, ["text"])["text"])


def noisy(texts: list[str], share: float, seed: int) -> list[str]:
    """Each text with a share of its words (characters where it has no blanks) left out."""
    draw = random.Random(seed)
    kept = []
    for text in texts:
        parts = text.split(" ") if " " in text else list(text)
        left = [part for part in parts if draw.random() >= share] or parts[:1]
        kept.append((" " if " " in text else "").join(left))
    return kept


def write_submission(
    folder: Path, task: str, name: str, files: dict[str, list[str]], track: str = "video",
    **fields: Any,
) -> Path:  # fmt: skip
    """Write system.yaml and files of predictions (name -> lines); None leaves a field out."""
    folder.mkdir(parents=True)
    for file, lines in files.items():
        (folder / file).write_text("\n".join(lines) + "\n", "utf-8")
    found = {"name": name, "track": track, "task": task} | FIELDS | fields
    found = {k: v for k, v in found.items() if v is not None}
    (folder / "system.yaml").write_text(yaml.safe_dump(found, allow_unicode=True), "utf-8")
    return folder


def toy_submissions(root: Path, dataset: Path) -> Path:
    """Five systems on two tracks: one with three seeds, one seen, one hostile, one Chinese name."""
    task = open_dataset(dataset).name
    texts = references(dataset)
    write_submission(root / "good", task, "Good", {"predictions.txt": noisy(texts, 0.2, 1)})
    seeds = {f"predictions.{s}.txt": noisy(texts, 0.6, s) for s in (0, 42, 100)}
    write_submission(root / "seeds", task, "Three seeds", seeds, code="https://example.org/code")
    write_submission(
        root / "asked", task, "手语翻译 Übersetzer", {"predictions.txt": noisy(texts, 0.3, 7)},
        "video+question", seen_test="yes", features="simulated",
    )  # fmt: skip
    write_submission(
        root / "<b>hostile", task, HOSTILE, {HOSTILE_FILE: noisy(texts, 0.5, 3)},
        predictions={"<i>1</i>": HOSTILE_FILE}, paper="javascript:alert(1)",
        note='"><img src=x onerror=alert(1)>', training_data=[HOSTILE],
    )  # fmt: skip
    write_submission(
        root / "formula", task, "=1+1", {"predictions.txt": noisy(texts, 0.9, 4)},
        seen_test="unknown",
    )  # fmt: skip
    return root
