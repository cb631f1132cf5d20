"""The real files: their counts, the coverage of every file of annotated questions, known quirks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus_files import qa_builder

from qa_builder.dataset import Dataset, open_dataset
from qa_builder.verify import verify

PHOENIX = {"train": 7096, "dev": 519, "test": 642}
CSL = {"train": 18_401, "dev": 1077, "test": 1176}
Build = Callable[..., Dataset]


@pytest.fixture(scope="module")
def build(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build by the command once for the same options; findings are expected by their number."""
    done: dict[tuple[str, ...], Dataset] = {}

    def run(corpus: str, *files: str, root: str = "", findings: int = 0, more: str = "") -> Dataset:
        key = (corpus, *files, root, more)
        if key not in done:
            out = tmp_path_factory.mktemp("real") / "out"
            asked = ",".join(str(shared / "annotated-questions" / f) for f in files)
            questions = ["--questions", f"annotated:{asked}" if files else "none"]
            options = [o.replace("SHARED", str(shared)) for o in more.split()]
            result = qa_builder("build", corpus, "--root", shared / root, "--out", out, *questions,
                                *options)  # fmt: skip
            assert result.exit_code == (1 if findings else 0), result.output
            assert f"{findings} finding" in result.stderr or not findings
            assert verify(out) == []
            done[key] = open_dataset(out)
        return done[key]

    return run


def rows(dataset: Dataset) -> dict[str, int]:
    return {s: v["rows"] for s, v in dataset.manifest["splits"].items()}


def used(dataset: Dataset) -> dict[str, int]:
    return {s: v["with_question"] for s, v in dataset.manifest["splits"].items()}


def found(dataset: Dataset) -> dict[str, int]:
    return {f["id"]: f["count"] for f in dataset.manifest["findings"]}


GERMAN = ("phoenix.train.txt", "phoenix.dev.txt", "phoenix.test.txt")


def test_phoenix_with_its_questions(build: Build) -> None:
    dataset = build("phoenix", *GERMAN)
    assert rows(dataset) == used(dataset) == PHOENIX
    splits = dataset.manifest["splits"]
    assert {v["signers"] for v in splits.values()} == {9}
    assert splits["train"]["distinct_sentences"] == 6853
    assert dataset.manifest["rejects"] == {"invisible-character": 10}
    assert found(dataset) == {"questions-invisible-character": 10}
    assert dataset.manifest["questions"]["formats"] == ["phoenix-blank"] * 3
    train = dataset.columns("train", ["clip_id", "n_frames"])
    assert train["clip_id"][0] == "11August_2010_Wednesday_tagesschau-1"


@pytest.mark.parametrize("split", PHOENIX)
def test_each_german_file_by_itself(build: Build, split: str) -> None:
    dataset = build("phoenix", f"phoenix.{split}.txt")
    rest = sum(PHOENIX.values()) - PHOENIX[split]
    assert used(dataset) == {s: PHOENIX[s] if s == split else 0 for s in PHOENIX}
    assert dataset.manifest["rejects"]["no-question"] == rest


def test_published_german_examples(build: Build) -> None:
    dataset = build("phoenix", "phoenix-2014t-qa.example.txt", findings=1)
    assert sum(used(dataset).values()) == 19
    assert dataset.manifest["questions"]["formats"] == ["phoenix-percent"]
    assert dataset.manifest["rejects"] == {
        "no-such-clip": 1, "no-question": 8257 - 19, "invisible-character": 3,
    }  # fmt: skip


def test_csl_daily_with_its_questions(build: Build) -> None:
    dataset = build("csl-daily", "csl-daily.dev.txt")
    assert rows(dataset) == CSL and used(dataset) == {"train": 0, "dev": 1076, "test": 0}
    assert {v["signers"] for v in dataset.manifest["splits"].values()} == {10}
    assert dataset.manifest["rejects"] == {"empty-question": 1, "no-question": 18_401 + 1176}
    messages = {f["id"]: f["message"] for f in dataset.manifest["findings"]}
    assert messages["csl-daily-sentence-revision"].endswith("these are csl2020ct_v2")
    assert dataset.manifest["questions"]["formats"] == ["csl-pipes"]


def test_published_chinese_examples(build: Build) -> None:
    dataset = build("csl-daily", "csl-daily-qa.example.txt", findings=2)
    assert sum(used(dataset).values()) == 11
    assert dataset.manifest["questions"]["formats"] == ["csl-q"]
    assert dataset.manifest["rejects"] == {
        "text-differs": 1, "text-of-another-sentence": 9, "no-question": sum(CSL.values()) - 11,
    }  # fmt: skip


def test_csl_daily_by_pickle_and_by_video_map(build: Build) -> None:
    a = build("csl-daily")
    b = build("csl-daily", more="--annotations video-map")
    assert rows(a) == rows(b) == CSL
    for split in CSL:
        names = ["clip_id", "text", "gloss", "n_frames", "frames", "source_hash"]
        assert a.columns(split, names) == b.columns(split, names)


def shares(dataset: Dataset, split: str) -> tuple[float, float, float]:
    """Questions with a question word, yes-no questions and prompts, in percent."""
    kinds = dict(dataset.manifest["questions"]["kinds_by_split"][split])
    n = sum(kinds.values())
    closed, other = kinds.pop("yes-no", 0), kinds.pop("prompt", 0)
    return 100 * sum(kinds.values()) / n, 100 * closed / n, 100 * other / n


@pytest.mark.parametrize(
    ("corpus", "split", "expected", "leakage"),
    [
        ("phoenix", "train", (36, 57, 7), 52),
        ("phoenix", "dev", (20, 68, 12), 31),
        ("phoenix", "test", (6, 71, 23), 56),
        ("csl-daily", "dev", (70, 27, 3), 55),
    ],
)
def test_kinds_and_leakage_as_measured_before(
    build: Build, corpus: str, split: str, expected: tuple[float, ...], leakage: float
) -> None:
    dataset = build(corpus, *(GERMAN if corpus == "phoenix" else ("csl-daily.dev.txt",)))
    assert shares(dataset, split) == pytest.approx(expected, abs=2)
    mean = dataset.manifest["questions"]["mean_leakage"][split]
    assert 100 * mean == pytest.approx(leakage, abs=3)


def test_german_labels_hold_a_recognisers_glosses(build: Build) -> None:
    dataset = build("labels", root="gfslt-labels/phoenix", findings=3,
                    more="--official phoenix:SHARED")  # fmt: skip
    assert rows(dataset) == PHOENIX
    by_split = {
        f["message"].partition(":")[0]: f["count"]
        for f in dataset.manifest["findings"] if f["id"] == "labels-gloss-not-official"
    }  # fmt: skip
    assert by_split == {"train": 408, "dev": 377, "test": 475}
    assert dataset.manifest["rejects"] == {
        "labels-gloss-not-official": 408 + 377 + 475, "empty-gloss": 4,
    }  # fmt: skip
    lines = (dataset.path / "rejects.jsonl").read_text("utf-8").splitlines()
    assert all(json.loads(x)["line"] for x in lines)


def test_chinese_labels_are_of_another_revision(build: Build) -> None:
    dataset = build("labels", root="gfslt-labels/csl-daily", findings=2,
                    more="--official csl-daily:SHARED")  # fmt: skip
    assert rows(dataset) == CSL | {"train": 18_400}
    assert found(dataset) == {
        "csl-daily-sentence-revision": 1, "labels-sentence-revision": 1289,
        "labels-gloss-not-official": 4, "labels-missing-clip": 1,
    }  # fmt: skip
    messages = " ".join(f["message"] for f in dataset.manifest["findings"])
    assert "these are gfslt-labels" in messages and "first S000005_P0004_T00" in messages


def test_signjoey_pickle_that_names_torch(build: Build) -> None:
    dataset = build("labels", root="signjoey")
    assert rows(dataset) == {"dev": 519}
    samples = list(dataset.samples("dev"))
    assert {s.clip.signer for s in samples} == {f"Signer0{i}" for i in range(1, 10)}
    official = build("phoenix", *GERMAN)
    texts = dict(zip(*official.columns("dev", ["clip_id", "text"]).values(), strict=True))
    assert all(s.text.removesuffix(" .") == texts[s.clip.clip_id] for s in samples)
