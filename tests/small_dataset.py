"""A small dataset written by hand in the documented folder format, to publish and to join again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qa_builder.corpora.base import ClipBatch, CorpusInfo, Notes, SourceFile
from qa_builder.dataset import FINGERPRINT_COLUMNS, Fingerprint, dataset_fingerprint
from qa_builder.publish.release import describe_files, write_manifest
from qa_builder.samples import SPLITS, arrow_schema, sample_id, source_hash

INFO = CorpusInfo(
    name="small", dataset="small-qa", title="A small corpus", text_language="de",
    sign_language="gsg", fps="25/1", where="Nowhere: it is invented.", size="9 clips",
    licence="CC BY-NC-SA 3.0", redistribution="Ask its owners.",
    citation="@misc{small, title = {A small corpus}}",
)  # fmt: skip
TEXTS = ("morgen scheint die sonne", "im norden regnet es stark", "nachts wird es richtig kalt")
GLOSSES = ("MORGEN SONNE SCHEINEN", "NORD REGEN STARK", None)
# The second clip has two questions, one of them its own sentence; the third has none.
QUESTIONS = (["Wie wird es morgen?"], ["Im Norden regnet es stark?", "Wo ist es nass?"], [])


class SmallCorpus:
    """The corpus that the dataset is of: three clips a split; `texts` make another revision."""

    def __init__(self, root: Path, texts: tuple[str, ...] = TEXTS) -> None:
        self.root, self.info, self.texts = root, INFO, texts

    def sources(self) -> list[SourceFile]:
        return []

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        for split in SPLITS:
            n = len(self.texts)
            yield ClipBatch(
                split, [f"{split}-{i}" for i in range(n)], list(self.texts), GLOSSES[:n],
                GLOSSES[:n], ["Signer01"] * n, [f"{split}/{i}/*.png" for i in range(n)], [40] * n,
            )  # fmt: skip


def rows(split: str, raw_reply: str | None = None) -> list[dict[str, Any]]:
    found = []
    for i, (text, gloss, questions) in enumerate(zip(TEXTS, GLOSSES, QUESTIONS, strict=True)):
        clip = f"{split}-{i}"
        for k, question in enumerate(questions or [None]):
            made_by = {"generator": "annotated", "line": i + 1, "raw_reply": raw_reply}
            found.append({
                "sample_id": sample_id(clip, k, len(questions)), "clip_id": clip,
                "corpus": "small", "split": split, "signer": "Signer01",
                "frames": f"{split}/{i}/*.png", "n_frames": 40, "fps": "25/1", "gloss": gloss,
                "gloss_clean": gloss, "text": text, "text_language": "de", "sign_language": "gsg",
                "question": question, "question_normalized": question,
                "question_kind": "how" if question else None,
                "question_source": "annotated" if question else None,
                "question_leakage": 0.25 if question else None,
                "question_provenance": made_by if question else None,
                "source_hash": source_hash(clip, text, gloss),
            })  # fmt: skip
    return found


def small_dataset(path: Path, raw_reply: str | None = None, detail: str = "") -> Path:
    """Write the dataset into `path`; `detail` is that of its one reject."""
    (path / "data").mkdir(parents=True)
    splits = {}
    for split in SPLITS:
        table = pa.Table.from_pylist(rows(split, raw_reply), schema=arrow_schema())
        pq.write_table(table, path / "data" / f"{split}.parquet", compression="zstd")
        content = Fingerprint()
        content.update(
            zip(*(table.column(c).to_pylist() for c in FINGERPRINT_COLUMNS), strict=True)
        )
        splits[split] = {
            "rows": 4, "clips": 3, "with_question": 3, "signers": 1, "distinct_sentences": 3,
            "fingerprint": content.hexdigest(),
        }  # fmt: skip
    reject = {"file": "q.txt", "line": 7, "id": None, "reason": "no-such-clip", "detail": detail}
    (path / "rejects.jsonl").write_text(json.dumps(reject, ensure_ascii=False) + "\n")
    (path / "config.yaml").write_text("corpus: small\n")
    names = [*(f"data/{s}.parquet" for s in SPLITS), "config.yaml", "rejects.jsonl"]
    write_manifest(path, {
        "schema_version": 1, "dataset": INFO.dataset, "content": "full", "corpus": INFO.as_dict(),
        "created_by": {"name": "qbslt", "version": "0.1.0", "code": "0" * 16}, "config": {},
        "key": "0" * 64, "sources": [
            {"role": "questions", "path": "q.txt", "sha256": "a" * 64, "bytes": 10}],
        "splits": splits,
        "fingerprint": dataset_fingerprint({s: v["fingerprint"] for s, v in splits.items()}),
        "questions": {"source": "annotated", "formats": ["table"], "kinds": {"how": 9},
                      "kinds_by_split": {s: {"how": 3} for s in SPLITS},
                      "mean_leakage": dict.fromkeys(SPLITS, 0.25)},
        "findings": [{"id": "two-revisions", "severity": "note", "message": "One | of two.", "count": 1}],
        "rejects": {"no-such-clip": 1}, "files": describe_files(path, [{"path": n} for n in names]),
    })  # fmt: skip
    return path
