"""Corpora written in the official layouts, and the command that builds them."""

from __future__ import annotations

import gzip
import pickle
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from qa_builder.cli import main
from qa_builder.verify import verify

PHOENIX_HEADER = "name|video|start|end|speaker|orth|translation"
MANUAL = "PHOENIX-2014-T-release-v3/PHOENIX-2014-T/annotations/manual"
_HOME = ("train", "我 爱 家", "我 爱 我 的 家 。", "我 爱 我 的 家 。", "r v r u n w")
CHINESE = (
    ("S000001_P0000_T00", *_HOME),
    ("S000001_P0001_T00", *_HOME),
    ("S000002_P0000_T00", "dev", "今天 冷", "今 天 很 冷 。", "今天 很 冷 。", "t d a w"),
    ("S000003_P0000_T00", "test", "你 去 哪", "你 去 哪 里 ？", "你 去 哪里 ？", "r v r w"),
)  # fmt: skip


def phoenix_row(name: str, text: str, orth: str = "MORGEN SONNE", start: int = -1, end: int = -1,
                speaker: str = "Signer01") -> str:  # fmt: skip
    return f"{name}|{name}/1/*.png|{start}|{end}|{speaker}|{orth}|{text}"


def phoenix_file(root: Path, split: str) -> Path:
    return root / MANUAL / f"PHOENIX-2014-T.{split}.corpus.csv"


def write_phoenix(root: Path, rows: dict[str, list[str]] | None = None) -> Path:
    """A release with the rows given as lines; by default two clips a split."""
    for split in ("train", "dev", "test"):
        lines = (rows or {}).get(split) or [
            phoenix_row(f"{split}-1", "morgen scheint die sonne"),
            phoenix_row(f"{split}-2", "im norden regnet es", "NORD cl-REGEN+ __ON__"),
        ]
        path = phoenix_file(root, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([PHOENIX_HEADER, *lines]) + "\n", encoding="utf-8")
    return root


def chinese_info(rows: Sequence[Sequence[str]] = CHINESE) -> list[dict[str, Any]]:
    """The entries of a CSL-Daily pickle; clip k is signed by signer k, in 50 + k frames."""
    return [
        {"name": name, "length": 50 + k, "label_gloss": gloss.split(" "),
         "label_char": chars.split(" "), "label_word": words.split(" "),
         "label_postag": tags.split(" "), "signer": k, "time": 0}
        for k, (name, _, gloss, chars, words, tags) in enumerate(rows)
    ]  # fmt: skip


def write_csl(root: Path, info: Any = None, split: str | None = None) -> Path:
    """A release with pickle, video_map.txt and split file; `info` and `split` replace parts."""
    folder = root / "sentence_label"
    folder.mkdir(parents=True, exist_ok=True)
    data = {"info": chinese_info() if info is None else info, "gloss_map": {}, "char_map": {}}
    (folder / "csl2020ct_v2.pkl").write_bytes(pickle.dumps(data))
    lines = ["index|name|length|gloss|char|word|postag"]
    lines += [f"{k}|{n}|{50 + k}|{g}|{c}|{w}|{t}" for k, (n, _, g, c, w, t) in enumerate(CHINESE)]
    (folder / "video_map.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = "".join(f"{row[0]}|{row[1]}\n" for row in CHINESE) if split is None else split
    (folder / "split_1.txt").write_text(f"name|split\n{names}", encoding="utf-8")
    return root


def write_labels(path: Path, entries: Iterable[dict[str, Any]], as_dict: bool = True) -> Path:
    """A gzip pickle as the GFSLT family (dict) and signjoey's (list) ship them."""
    rows = list(entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    data: Any = {r["name"]: r for r in rows} if as_dict else rows
    path.write_bytes(gzip.compress(pickle.dumps(data)))
    return path


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return path


def qa_builder(*arguments: str | Path) -> Result:
    """Run the real command in this process."""
    return CliRunner().invoke(main, [str(a) for a in arguments])


def built(*arguments: str | Path) -> Result:
    """Build, and see that it succeeded."""
    result = qa_builder("build", *arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(result: Result, *words: str, code: int = 2) -> str:
    """See that a command ended with plain sentences, exit code and no traceback; its stderr."""
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == code, result.output
    assert result.stderr.startswith(("error: ", "warning: ", "Usage: ")), result.stderr
    assert "Traceback" not in result.stderr and len(result.stderr) < 10_000
    for word in words:
        assert word in result.stderr, (word, result.stderr)
    return result.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Kept:
    """A dataset that is there before bad input comes, to see that it stays as it was."""

    def __init__(self, folder: Path) -> None:
        table = write(folder / "before" / "train.csv", "clip_id,text\na,ein satz\nb,noch einer\n")
        self.out = folder / "out"
        built("table", "--table", table, "--language", "de", "--out", self.out)
        self._before = contents(self.out)

    def refuses(self, *arguments: str | Path, words: Sequence[str] = ()) -> str:
        """Build into the dataset's folder with bad input: one sentence, and nothing is lost."""
        said = refused(qa_builder("build", *arguments, "--out", self.out), *words)
        assert re.search(r"\. \S.*[.)`]", said), f"no cure: {said}"
        assert contents(self.out) == self._before and verify(self.out) == []
        assert sorted(p.name for p in self.out.parent.glob(".out*")) == []
        return said
