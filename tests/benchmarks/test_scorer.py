"""The numbers of a result: against sacreBLEU, against themselves, and on the real corpora."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from benchmarks.order import order_warning
from benchmarks.predictions import read_predictions
from benchmarks.results import SCHEMA, Result, write_result
from benchmarks.scorer import SplitData, load_references, score
from benchmarks.strata import named, strata_of, thirds
from benchmarks.tasks.task import Task, load_task, task_for, tasks
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError

STANDARD = {"toy-phoenix-qa": "standard-phoenix", "toy-csl-daily-qa": "standard"}


@pytest.fixture(scope="module")
def data(toy_phoenix: Path) -> SplitData:
    return load_references(open_dataset(toy_phoenix), "test")


@pytest.fixture(scope="module")
def task() -> Task:
    return load_task("toy-phoenix-qa")


@pytest.fixture(scope="module")
def half_right(data: SplitData) -> list[str]:
    """Every other sentence as it should be, the others without their last words."""
    return [t if i % 2 else " ".join(t.split()[:-2]) for i, t in enumerate(data.text)]


@pytest.fixture(scope="module")
def result(task: Task, data: SplitData, half_right: list[str]) -> Result:
    return score(task, data, half_right, system="half", track="video", resamples=200)


def validated(result: Result) -> dict[str, object]:
    """The document of a result as it is written, checked against the published schema."""
    document = json.loads(result.json())
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    return dict(document)


def test_scores_are_sacrebleu_s(result: Result, data: SplitData, half_right: list[str]) -> None:
    def prepared(texts: list[str]) -> list[str]:
        return [t.lower().rstrip().removesuffix(".").rstrip() for t in texts]

    hyp, ref = prepared(half_right), [prepared(data.text)]
    scores = result.scores["standard-phoenix"]
    assert scores["bleu4"]["value"] == pytest.approx(BLEU().corpus_score(hyp, ref).score)
    assert scores["chrf2"]["value"] == pytest.approx(CHRF().corpus_score(hyp, ref).score)


def test_intervals_hold_the_value_and_depend_on_the_seed_alone(
    result: Result, task: Task, data: SplitData, half_right: list[str]
) -> None:
    for cell in result.scores["standard-phoenix"].values():
        assert cell["low"] <= cell["value"] <= cell["high"]
    again = score(task, data, half_right, system="half", track="video", resamples=200)
    assert again.json() == result.json()
    other = score(task, data, half_right, system="half", resamples=200, seed=1)
    assert (
        other.scores["standard-phoenix"]["bleu4"]["low"]
        != (result.scores["standard-phoenix"]["bleu4"]["low"])
    )
    assert "|bs:200|seed:1|" in other.signatures["bleu"]


def test_the_document_is_what_the_schema_says(result: Result) -> None:
    document = validated(result)
    assert document["system"] == {"name": "half", "track": "video"}
    assert document["official"] is True
    assert document["dataset"]["toy"] is True  # type: ignore[index]


def test_signature_carries_the_recipe(result: Result, data: SplitData) -> None:
    signature = result.signatures["bleu"]
    for part in (
        "conv:standard-phoenix", "task:toy-phoenix-qa", "split:test", f"n:{len(data)}", "tok:13a",
        f"data:{data.dataset['split_fingerprint'][:16]}", "seed:12345", "sacrebleu:2.", "qbslt:",
    ):  # fmt: skip
        assert part in signature
    assert "conv:signjoey" in result.signatures["signjoey/bleu"]
    assert not any("unofficial" in s or "missing" in s for s in result.signatures.values())


def test_gain_over_copy_is_the_difference_to_the_copied_question(
    result: Result, task: Task, data: SplitData
) -> None:
    copy = score(task, data, [q or "" for q in data.question], system="copy", resamples=200)
    assert result.gain_over_copy is not None and copy.gain_over_copy is not None
    own, copied = result.scores["standard-phoenix"], copy.scores["standard-phoenix"]
    for name, cell in result.gain_over_copy.items():
        assert cell["value"] == pytest.approx(own[name]["value"] - copied[name]["value"])
        assert cell["low"] <= cell["value"] <= cell["high"]
        assert 0 < cell["p"] <= 1
    assert all(c["value"] == 0 and c["p"] == 1 for c in copy.gain_over_copy.values())
    assert result.controls["copy-question"]["bleu4"] == copied["bleu4"]["value"]
    assert copied["novel_f1"]["value"] == 0  # a copy of the question has nothing novel


def test_a_perfect_system_scores_100_by_the_standard(task: Task, data: SplitData) -> None:
    scores = score(task, data, data.text, system="all", resamples=100).scores["standard-phoenix"]
    assert {round(c["value"], 9) for c in scores.values()} == {100}
    assert {round(c["low"], 9) for c in scores.values()} == {100}


def test_an_empty_system_scores_0(task: Task, data: SplitData) -> None:
    result = score(task, data, [""] * len(data), system="none", resamples=100)
    assert {c["value"] for c in result.scores["standard-phoenix"].values()} == {0}
    validated(result)


def test_strata_are_scores_of_their_rows_alone(
    result: Result, task: Task, data: SplitData, half_right: list[str]
) -> None:
    strata = strata_of(data)
    assert set(result.strata) == set(strata) == {"leakage", "seen", "kind", "length", "signer"}
    for name, (parts, codes) in strata.items():
        assert sum(row["n"] for row in result.strata[name]) == (codes >= 0).sum()
        for k, (part, row) in enumerate(zip(parts, result.strata[name], strict=True)):
            rows = np.flatnonzero(codes == k)
            assert (row["name"], row["n"]) == (part.name, len(rows))
            alone = score(
                task, _only(data, rows.tolist()), [half_right[i] for i in rows], system="x",
                resamples=100,
            )  # fmt: skip
            for score_name, value in row["scores"].items():
                want = alone.scores["standard-phoenix"][score_name]["value"]
                assert value == pytest.approx(want, nan_ok=True)


def _only(data: SplitData, rows: list[int]) -> SplitData:
    lists = {k: [v[i] for i in rows] for k, v in vars(data).items() if isinstance(v, list)}
    return replace(data, **lists)  # type: ignore[arg-type]


def test_thirds_keep_equal_values_together() -> None:
    parts, codes = thirds([0.0, 0.0, 0.0, 0.0, 0.5, 1.0, None], ("low", "middle", "high"))
    assert [(p.name, p.low, p.high) for p in parts] == [("low", 0, 0), ("high", 0.5, 1)]
    assert codes.tolist() == [0, 0, 0, 0, 1, 1, -1]
    assert thirds([None, None], ("low", "middle", "high")).parts == []


def test_named_parts_leave_out_what_is_missing() -> None:
    parts, codes = named(["b", None, "a", "b"])
    assert [p.name for p in parts] == ["a", "b"]
    assert codes.tolist() == [1, -1, 0, 1]


def test_without_questions_nothing_is_novel_or_gained(task: Task, data: SplitData) -> None:
    n = len(data)
    bare = replace(
        data, question=[None] * n, question_kind=[None] * n, question_leakage=[None] * n
    )  # fmt: skip
    result = score(task, bare, data.text, system="all", resamples=100)
    assert result.gain_over_copy is None
    assert not [name for name in result.scores["standard-phoenix"] if "novel" in name]
    assert set(result.controls) == {"most-frequent"}
    assert set(result.strata) == {"seen", "length", "signer"}
    validated(result)


def test_a_sample_without_novel_reference_token_is_reported(task: Task, data: SplitData) -> None:
    given = replace(data, question=[data.text[0], *data.question[1:]])
    before = score(task, data, data.text, system="all", resamples=100).uncounted
    result = score(task, given, data.text, system="all", resamples=100)
    assert result.uncounted["novel"] == before["novel"] + 1
    assert result.samples[0]["novel_f1"] is None
    assert result.scores["standard-phoenix"]["novel_f1"]["value"] == pytest.approx(100)


def test_glosses_are_scored_by_word_error_rate(task: Task, data: SplitData) -> None:
    glosses = [g or "" for g in data.gloss]
    perfect = score(task, data, glosses, system="copy", gloss=True, resamples=100)
    assert perfect.scores == {"gloss": perfect.scores["gloss"]}
    assert perfect.scores["gloss"]["wer"]["value"] == 0
    assert perfect.task["convention"] == "gloss"
    assert (perfect.legacy, perfect.gain_over_copy, perfect.controls) == ({}, None, {})
    validated(perfect)
    empty = score(task, data, [""] * len(data), system="none", gloss=True, resamples=100)
    assert empty.scores["gloss"]["wer_deletions"]["value"] == 100


def test_rows_without_gloss_are_told(task: Task, data: SplitData) -> None:
    lacking = replace(data, gloss=[None, *data.gloss[1:]])
    with pytest.raises(QbsltError, match="1 of 20 rows of test have no gloss"):
        score(task, lacking, data.text, system="x", gloss=True)


def test_wrong_track_names_the_right_ones(task: Task, data: SplitData) -> None:
    with pytest.raises(QbsltError, match="video\\+question"):
        score(task, data, data.text, system="x", track="audio")


def test_missing_predictions_stand_in_the_signature(
    tmp_path: Path, task: Task, data: SplitData
) -> None:
    file = tmp_path / "p.tsv"
    file.write_text(f"sample_id\ttext\n{data.sample_id[3]}\tregen\n", "utf-8")
    read = read_predictions(file, data.sample_id, allow_missing=True)
    result = score(task, data, read.texts, system="x", source=read, resamples=100)
    assert "|missing:19" in result.signatures["bleu"]
    assert "19 missing predictions scored as empty" in result.notes
    validated(result)


def test_sorted_lines_are_noticed(data: SplitData, half_right: list[str]) -> None:
    by_id = sorted(range(len(data)), key=data.sample_id.__getitem__)
    if by_id == list(range(len(data))):  # the order must matter
        data = _only(data, list(reversed(range(len(data)))))
        by_id = sorted(range(len(data)), key=data.sample_id.__getitem__)
        half_right = half_right[::-1]
    assert order_warning(half_right, data) == []
    (warning,) = order_warning([half_right[i] for i in by_id], data)
    assert "sorted ids" in warning


def test_files_of_a_result(tmp_path: Path, result: Result, data: SplitData) -> None:
    write_result(result, tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    assert sorted(p.name for p in out.iterdir()) == ["result.json", "samples.jsonl"]
    assert json.loads((out / "result.json").read_text("utf-8")) == result.as_dict()
    rows = [json.loads(line) for line in (out / "samples.jsonl").read_text("utf-8").splitlines()]
    assert [row["sample_id"] for row in rows] == data.sample_id
    assert [row["reference"] for row in rows] == data.text
    assert {row["bleu4"] for row in rows[1::2]} == {100.0}


def test_tasks_that_ship_fit_the_datasets_that_are_built(toy_phoenix: Path, toy_csl: Path) -> None:
    assert set(tasks()) == {"phoenix-2014t-qa", "csl-daily-qa", *STANDARD}
    for path, name in ((toy_phoenix, "toy-phoenix-qa"), (toy_csl, "toy-csl-daily-qa")):
        dataset = open_dataset(path)
        found = task_for(dataset)
        assert found == load_task(name)
        assert found.convention == STANDARD[name]
        assert found.language == dataset.manifest["corpus"]["text_language"]
        assert found.toy is dataset.manifest["corpus"]["toy"] is True
        assert task_for(dataset, "dev").split == "dev"


def test_a_dataset_of_one_s_own_is_a_task(toy_phoenix: Path) -> None:
    dataset = open_dataset(toy_phoenix)
    dataset.manifest["dataset"] = "mine-qa"
    assert task_for(dataset).convention == "standard-phoenix"  # still the same sentences
    dataset.manifest["corpus"]["name"] = "mine"
    assert (task_for(dataset).name, task_for(dataset).convention) == ("mine-qa", "standard")


def test_unknown_task_names_the_known() -> None:
    with pytest.raises(QbsltError, match="csl-daily-qa, phoenix-2014t-qa"):
        load_task("phoenix")


def test_a_release_without_sentences_is_not_scored(toy_phoenix: Path) -> None:
    dataset = open_dataset(toy_phoenix)
    dataset.manifest["content"] = "questions"
    with pytest.raises(QbsltError, match="hydrate"):
        load_references(dataset, "test")


# BLEU-4 of released outputs against the raw references: by our standard, and by the convention of
# the study that released them. Its own figures for CSL-Daily are against references that lost
# characters: 10.60 and 12.10 (test_parity.py).
REAL = [
    ("phoenix", "Phoenix/GFSLT", 21.086, 22.230),
    ("phoenix", "Phoenix/GFSLT-CiCO", 22.259, 23.551),
    ("csl", "CSL-Daily/GFSLT", 11.321, 9.932),
    ("csl", "CSL-Daily/GFSLT-CiCO", 12.676, 11.206),
]


@pytest.mark.parametrize(("corpus", "system", "standard", "sltbaselines"), REAL)
def test_real_systems(
    request: pytest.FixtureRequest, shared: Path, corpus: str, system: str, standard: float,
    sltbaselines: float,
) -> None:  # fmt: skip
    dataset = open_dataset(request.getfixturevalue(f"real_{corpus}"))
    data, task = load_references(dataset, "test"), task_for(dataset)
    file = shared / "system-outputs" / system / "tmp_pres.txt"
    read = read_predictions(file, data.sample_id)
    result = score(task, data, read.texts, system=system, source=read, resamples=200)
    assert result.warnings == []
    assert result.scores[task.convention]["bleu4"]["value"] == pytest.approx(standard, abs=1e-3)
    assert result.legacy["sltbaselines"]["bleu4"]["value"] == pytest.approx(sltbaselines, abs=1e-3)
    validated(result)
    if corpus == "phoenix":  # copying the public questions beats what sees the video
        assert result.controls["copy-question"]["bleu4"] == pytest.approx(32.4, abs=0.05)
        assert result.gain_over_copy is not None
        gain = result.gain_over_copy["bleu4"]
        assert gain["high"] < 0 and gain["p"] < 0.01
        assert result.gain_over_copy["novel_f1"]["low"] > 20  # but says nothing of its own


def test_real_order_is_not_that_of_the_ids(shared: Path, real_phoenix: Path) -> None:
    data = load_references(open_dataset(real_phoenix), "test")
    lines = (shared / "system-outputs/Phoenix/GFSLT/tmp_pres.txt").read_text("utf-8").split("\n")
    by_id = sorted(range(len(data)), key=data.sample_id.__getitem__)
    assert order_warning(lines[:-1], data) == []
    assert len(order_warning([lines[i] for i in by_id], data)) == 1
