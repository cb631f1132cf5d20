"""`qbslt-bench visualize`: what its pages say is what the model and the scorer say."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from feature_stores import embedding_store, landmark_store, write_video

from baselines import checkpoint
from baselines.choice import spread
from baselines.clip_pictures import clip_pictures, of_frames
from baselines.data import SignDataset, read_rows
from baselines.decoding import CHECKPOINTS, generation_options
from baselines.explaining import labels, open_trained
from baselines.marks import mark
from baselines.visualize_page import _words
from baselines.vocabulary import learn
from benchmarks.cli import main
from benchmarks.models import visible
from benchmarks.run_folder import read_run
from qa_builder.dataset import open_dataset

torch.set_num_threads(1)
CHROMIUM = Path("/usr/bin/chromium")
FIRST = "03May_2019_Friday_toy-5"  # of test


def bench(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def train(data: Path, out: Path, model: str, *options: str) -> Path:
    done = bench("run", "--model", model, "--data", data, "--out", out, "--resamples", 100,
                 "preset=tiny", "tensorboard=false", "max_length=12", *options)  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def run(toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained ssl-ssaw on simulated features; not to be changed."""
    out = tmp_path_factory.mktemp("visualize") / "run"
    return train(toy_phoenix, out, "ssl-ssaw", "epochs=4", f"features={toy_store}")


@pytest.fixture(scope="module")
def gallery(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of all samples of test."""
    out = tmp_path_factory.mktemp("page") / "gallery.html"
    done = bench("visualize", run, "--gallery", 99, "--out", out)
    assert done.exit_code == 0, done.output
    assert done.output == f"wrote {out}\n"
    return out


def numbers(page: Path) -> list[dict[str, Any]]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found
    return list(json.loads(found[1]))


def rows(file: Path) -> dict[str, dict[str, Any]]:
    return {row["sample_id"]: row for row in map(json.loads, file.open(encoding="utf-8"))}


def test_weights_and_attention_are_the_model_s(run: Path, gallery: Path, toy_phoenix: Path) -> None:
    """Translated once more, but some samples in one batch: padding must not matter."""
    seen = {sample["sample_id"]: sample for sample in numbers(gallery)}
    trained = open_trained(run)
    config, graph, materials = trained.config, trained.graph, trained.materials
    samples = [visible(s, graph.track) for s in open_dataset(toy_phoenix).samples("test")]
    asked = read_rows(samples, graph, config, split="test", train=False, store=trained.store)
    dataset = SignDataset(asked, materials.vocabulary, config, train=False, store=trained.store)
    model = materials.translator(config, graph, trained=True)
    best = checkpoint.find(run / CHECKPOINTS, checkpoint.BEST)
    assert best is not None
    checkpoint.load_weights(best, model)
    some = range(5)
    batch = dataset.collate([dataset[i, None] for i in some])
    found = model.eval().explain(batch, **generation_options(config, materials, config.beams))
    assert found.weights is not None
    for i in some:
        page = seen[samples[i].sample_id]
        n, signs = int(found.mask[i].sum()), int(found.signs[i])
        assert page["signs"] == signs == len(page["frames"]) and len(page["source_pieces"]) > 1
        assert trained.store is not None
        assert page["frames"][-1][1] == trained.store.row(samples[i].clip.clip_id).n_frames
        assert page["weights"] == pytest.approx(found.weights[i, :n].tolist(), abs=1e-4)
        wanted = found.attention[i, : len(page["attention"]), :n]
        assert torch.allclose(torch.tensor(page["attention"]), wanted, atol=1e-4)
        shown = f"frames 1–4, 0.00 s: weight {found.weights[i, 0]:.3f}"
        assert shown in gallery.read_text("utf-8")


def test_hypotheses_and_novel_words_are_the_scorer_s(
    run: Path, gallery: Path, toy_phoenix: Path
) -> None:
    scored, text = rows(run / "samples.jsonl"), gallery.read_text("utf-8")
    assert [s["sample_id"] for s in numbers(gallery)] == sorted(
        scored, key=lambda i: (scored[i]["bleu4"], scored[i]["chrf2"]), reverse=True
    )
    assert "All samples of test, best sentence BLEU-4" in text and "own file of" not in text
    counted = 0
    for row in scored.values():
        marked = mark(row["hypothesis"], row["reference"], row["question"],
                      convention="standard-phoenix", language="de")  # fmt: skip
        kinds = [token.kind for token in marked.hypothesis]
        theirs = [token.kind for token in marked.reference]
        assert kinds.count("right") == theirs.count("right")
        if row["novel_in_reference"]:
            assert kinds.count("right") == row["novel_common"]
            assert len(kinds) - kinds.count("asked") == row["novel_in_hypothesis"]
            assert len(theirs) - theirs.count("asked") == row["novel_in_reference"]
            said = (f"{row['novel_common']} of {row['novel_in_hypothesis']} novel tokens of the "
                    f"hypothesis are right, the reference has {row['novel_in_reference']}")  # fmt: skip  # noqa: E501
            assert said in text
            counted += 1
    assert counted > 10


def test_marks_by_hand() -> None:
    found = mark("Morgen regnet und regnet es.", "morgen regnet es im Norden .",
                 "Wie wird es morgen?", convention="standard-phoenix", language="de")  # fmt: skip
    assert [tuple(token) for token in found.hypothesis] == [
        ("morgen", "asked"), ("regnet", "right"), ("und", "other"), ("regnet", "other"),
        ("es", "asked"),
    ]  # fmt: skip
    assert [token.kind for token in found.reference] == [
        "asked",
        "right",
        "asked",
        "other",
        "other",
    ]
    chinese = mark("我 家的猫", "我家的狗", "你家有什么？", convention="standard", language="zh")
    assert [tuple(token) for token in chinese.hypothesis] == [
        ("我", "right"), ("家", "asked"), ("的", "right"), ("猫", "other"),
    ]  # fmt: skip
    assert chinese.between == "" and found.between == " "
    alone = mark("es regnet", "es", None, convention="standard-phoenix", language="de")
    assert [token.kind for token in alone.hypothesis] == ["right", "other"]


def test_pieces_for_people(tmp_path: Path) -> None:
    vocabulary = learn(["morgen regnet es im norden"], 300)
    (ids,) = vocabulary.encode(["es 雪é"])
    assert labels(vocabulary, ids) == [" es", " ", "雪", "·", "·", "é", "·", "⟨end⟩"]
    lost = labels(vocabulary, [ids[2], *ids[4:]])  # of the first character one byte alone
    assert lost[0] == "\N{REPLACEMENT CHARACTER}"


def test_a_sample_of_another_split(run: Path, toy_phoenix: Path, tmp_path: Path) -> None:
    sample = next(open_dataset(toy_phoenix).samples("dev")).sample_id
    done = bench("visualize", run, "--sample", sample)
    assert done.exit_code == 2
    assert f"[{sample}] is a sample of dev, not of test. Pass --split dev." in done.output
    done = bench(
        "visualize", run, "--sample", sample, "--split", "dev", "--out", tmp_path / "a.html"
    )
    assert done.exit_code == 0, done.output
    page = (tmp_path / "a.html").read_text("utf-8")
    assert (
        'class="simulated"' in page and "do not sum to one" in page and 'class="index"' not in page
    )


def test_bad_input(run: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path) -> None:
    def said(*words: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        done = bench("visualize", *words)
        assert done.exit_code == 2 and "Traceback" not in done.output, done.output
        assert sorted(tmp_path.rglob("*")) == before
        return done.output

    assert f"test has 20, like it: {FIRST}" in said(run, "--sample", FIRST + "x")
    assert "test has 20, the first one is" in said(run, "--sample", "?")
    assert "either --sample ID or --gallery N" in said(run)
    assert "either --sample ID or --gallery N" in said(run, "--sample", "a", "--gallery", 1)
    assert "there is no such folder" in said(tmp_path / "nowhere", "--gallery", 1)
    assert "holds no run" in said(toy_phoenix, "--gallery", 1)
    assert "has no split 'tset'" in said(run, "--gallery", 1, "--split", "tset")
    assert "is a folder" in said(run, "--gallery", 1, "--out", tmp_path)
    copy = bench("run", "--model", "copy-question", "--data", toy_phoenix, "--out",
                 tmp_path / "copy", "--resamples", 100)  # fmt: skip
    assert copy.exit_code == 0, copy.output
    assert "is a run of copy-question, whose weights" in said(tmp_path / "copy", "--gallery", 1)
    shutil.copytree(run, tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "checkpoints")
    assert "holds no trained model" in said(tmp_path / "bare", "--gallery", 1)
    moved = tmp_path / "moved"
    shutil.copytree(run, moved)
    config = moved / "config.yaml"
    config.write_text(config.read_text("utf-8").replace(str(toy_store), "/gone/store"), "utf-8")
    assert "/gone/store: the features of this run are not there" in said(moved, "--gallery", 1)
    other = embedding_store(tmp_path / "other").path
    assert "has no features of test" in said(moved, "--gallery", 1, "--features", other)
    done = bench("visualize", moved, "--gallery", 1, "--features", toy_store)
    assert done.exit_code == 0 and (moved / "gallery.test.html").is_file(), done.output
    config.write_text(config.read_text("utf-8").replace(str(toy_phoenix), "/gone/data"), "utf-8")
    assert "Pass where it is now with --data" in said(moved, "--gallery", 1)


def test_models_without_weights_or_video(toy_phoenix: Path, tmp_path: Path) -> None:
    out = train(toy_phoenix, tmp_path / "run", "gloss-to-text", "epochs=1")
    done = bench("visualize", out, "--sample", FIRST)
    assert done.exit_code == 0, done.output
    (seen,) = numbers(out / f"visualize.test.{FIRST.lower().replace('_', '-')}.html")
    assert seen["weights"] is None and seen["signs"] == 0 and seen["frames"] == []
    assert sum(seen["attention"][0]) == pytest.approx(1, abs=1e-2)
    page = (out / f"visualize.test.{FIRST.lower().replace('_', '-')}.html").read_text("utf-8")
    for said in ("This model weighs nothing", "This model sees no video", "<dt>glosses</dt>",
                 "question, not given to the model"):  # fmt: skip
        assert said in page
    assert "simulated" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_which_samples_a_gallery_has(run: Path, toy_phoenix: Path, tmp_path: Path) -> None:
    about, dataset = read_run(run), open_dataset(toy_phoenix)
    assert about is not None
    scores = {i: (r["bleu4"], r["chrf2"]) for i, r in rows(run / "samples.jsonl").items()}
    order = sorted(scores, key=lambda i: scores[i], reverse=True)
    drawn = [spread(run, about, dataset, "test", 4, seed) for seed in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1] and len({tuple(d.sample_ids) for d in drawn}) > 1
    for choice in drawn:  # one of each fifth
        assert [order.index(i) // 5 for i in choice.sample_ids] == [0, 1, 2, 3]
    unscored = spread(run, about, dataset, "dev", 2, 0)
    ids = dataset.columns("dev", ["sample_id"])["sample_id"]
    assert [ids.index(i) // 8 for i in unscored.sample_ids] == [0, 1]
    assert "the run has no scores of this split" in unscored.how


def test_pictures_of_a_clip(tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="opencv is not installed")
    write_video(tmp_path / "clip.mp4")
    store = landmark_store(tmp_path / "landmarks", "clip.mp4#2:16")
    found = clip_pictures(store, "train/6", None, [3, 5])
    assert len(found.strip) == 12 and found.heat is None and set(found.named) == {3, 5}
    over = clip_pictures(store, "train/6", tmp_path, [3])
    assert over.named[3] != found.named[3] and not over.note
    without = clip_pictures(store, "train/6", tmp_path / "landmarks", [3])
    assert "has no clip.mp4" in without.note and without.named[3] == found.named[3]
    seen = of_frames(tmp_path, "clip.mp4#2:16", 14, [3])
    assert len(seen.strip) == 12 and set(seen.named) == {3} and seen.named[3] not in seen.strip[:2]
    embedded = embedding_store(tmp_path / "embedded")
    found = clip_pictures(embedded, "train/2", None, [3])
    assert found.heat and not found.strip and not found.named
    both = clip_pictures(embedded, "train/2", tmp_path, [3])
    assert both.heat and len(both.strip) == 10 and set(both.named) == {3}


def test_pieces_of_a_word_stand_together() -> None:
    from baselines.explaining import Seen
    from qa_builder.samples import Clip

    weights = torch.linspace(0.3, 0.9, 7).numpy()
    clip = Clip("a", "small", "test", None, None, None, None)
    seen = Seen(
        sample_id="a", clip=clip, source="", hypothesis="", pieces=["⟨end⟩"],
        source_pieces=[" reg", "net", " es", "?", "⟨end⟩"], spans=[(0, 4), (4, 8)],
        weights=weights, attention=weights[None],
    )  # fmt: skip
    words = _words(seen, 2, weights, "de")
    assert [[p["piece"] for p in word] for word in words] == [
        ["reg", "net"], ["es", "?"], ["⟨end⟩"]
    ]  # fmt: skip
    assert [p["weight"] for word in words for p in word] == pytest.approx(weights[2:].tolist())
    assert [p["top"] for word in words for p in word] == [False] * 4 + [True]
    assert len(_words(seen, 2, weights, "zh")) == 5


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_the_page_in_a_browser(browser: Any, gallery: Path) -> None:
    page, complaints = browser.new_page(viewport={"width": 1280, "height": 900}), []
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:"))
            else complaints.append(r.url))  # fmt: skip
    page.goto(gallery.as_uri())
    assert page.locator(".simulated").inner_text() == "simulated"
    assert page.locator(".index a").count() == page.locator(".sample").count() == 20
    page.locator(".index a").nth(2).click()
    seen, sample = numbers(gallery)[2], page.locator(".sample").nth(2)
    assert sample.locator("h2").inner_text() == seen["sample_id"]
    assert sample.locator(".curve rect").count() == seen["signs"]
    heat, curve = (
        sample.locator(".heat img").bounding_box(),
        sample.locator(".curve").bounding_box(),
    )
    assert (heat["x"], heat["width"]) == pytest.approx((curve["x"], curve["width"]), abs=1)
    line, tip = sample.locator(".over"), page.locator("#tip")
    assert not line.get_attribute("points")
    part = sample.locator(".map").nth(1)
    box, columns = part.bounding_box(), len(seen["source_pieces"])
    part.hover(position={"x": box["width"] * 0.5 / columns,
                         "y": box["height"] * 1.5 / len(seen["attention"])})  # fmt: skip
    value = seen["attention"][1][seen["signs"]]
    assert tip.inner_text().endswith(f": {value:.3f}") and line.get_attribute("points")
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert not complaints
    page.close()
