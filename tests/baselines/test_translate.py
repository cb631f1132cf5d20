"""`qbslt-bench translate`: the sentence that `run` gives, without store, corpus and checkpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from click.testing import CliRunner, Result
from drawn_corpus import SENTENCES, build_drawn, draw_corpus, save_resnet, write_video
from simulated_store import simulate
from transformers import MBartConfig, MBartForConditionalGeneration

from baselines.own_clip import Given, translate_clip
from baselines.vocabulary import learn
from benchmarks.cli import main
from qa_builder.cli import main as builder
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
cv2 = pytest.importorskip("cv2")


class Place(NamedTuple):
    """A drawn corpus, its dataset, and the features of a small backbone."""

    corpus: Path
    data: Path
    model: Path
    store: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("drawn")
    corpus = draw_corpus(folder / "corpus")
    found = Place(corpus, build_drawn(corpus, folder / "data"), save_resnet(folder / "resnet"),
                  folder / "store")  # fmt: skip
    given = ["--extractor", "frames", "--model", str(found.model), "--root", str(corpus),
             "--workers", "0"]  # fmt: skip
    done = CliRunner().invoke(builder, ["features", str(found.data), *given, "--out",
                                        str(found.store)])  # fmt: skip
    assert done.exit_code == 0, done.output
    return found


def run(data: Path, out: Path, model: str, **options: Any) -> Result:
    given = {"preset": "tiny", "tensorboard": "false", "max_frames": 64, "batch_size": 12,
             "max_length": 12, "dropout": 0, **options}  # fmt: skip
    return CliRunner().invoke(main, [
        "run", "--model", model, "--data", str(data), "--out", str(out), "--resamples", "100",
        *(f"{k}={v}" for k, v in given.items()),
    ])  # fmt: skip


def trained(place: Place, out: Path, model: str, **options: Any) -> Path:
    done = run(place.data, out, model, **options)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def seen(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has only the video to tell sentences apart, copied where no store is."""
    out = tmp_path_factory.mktemp("seen") / "run"
    moved = place.store.with_name("moved")
    trained(place, out, "gloss-free", features=place.store, epochs=50, eval_every=50)
    place.store.rename(moved)
    shutil.copytree(out, out.with_name("copy"))
    shutil.rmtree(out)
    return out.with_name("copy")


def predictions(out: Path) -> dict[str, str]:
    lines = (out / "predictions.test.jsonl").read_text("utf-8").splitlines()
    return {row["sample_id"]: row["text"] for row in map(json.loads, lines)}


def translate(out: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["translate", str(out), *map(str, words)])


def refused(out: Path, *words: str | Path) -> str:
    done = translate(out, *words)
    assert done.exit_code == 2 and not done.stdout, done.output
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    return done.stderr


def test_a_clip_of_the_corpus_is_translated_as_run_did(place: Place, seen: Path) -> None:
    wanted = predictions(seen)
    assert len(set(wanted.values())) > 2  # else anything would be right
    for i in range(len(SENTENCES)):
        clip = place.corpus / "test" / f"test-{i}-0.mp4"
        done = translate(seen, "--video", clip, "--model", place.model)
        assert done.exit_code == 0, done.output
        assert done.stdout == wanted[f"test-{i}-0"] + "\n"  # and nothing else
        part = translate(seen, "--video", f"{clip}#0:14", "--model", place.model)
        assert part.exit_code == 0, part.output


def test_a_folder_of_pictures_is_a_clip(place: Place, seen: Path, tmp_path: Path) -> None:
    folder = place.corpus / "dev" / "dev-1-0"
    whole, _ = translate_clip(seen, Given(folder, None, None, place.model), "cpu")
    assert whole in {text for text, _ in SENTENCES.values()}
    shutil.copytree(folder, tmp_path / "broken")
    (tmp_path / "broken" / "0003.png").write_bytes(b"")
    done = translate(seen, "--video", tmp_path / "broken", "--model", place.model)
    assert done.exit_code == 0 and done.stdout
    assert done.stderr == "warning: 1 of 17 frames can't be read; they are left empty\n"


def test_what_is_no_clip_is_told(place: Place, seen: Path, tmp_path: Path) -> None:
    model = ("--model", place.model)
    assert "there is no such video" in refused(seen, "--video", tmp_path / "none.mp4", *model)
    assert "is no video that OpenCV can read" in refused(
        seen, "--video", place.corpus / "clips.csv", *model)  # fmt: skip
    assert "has no PNG or JPEG files" in refused(seen, "--video", place.corpus, *model)
    short = cv2.imread(str(place.corpus / "dev" / "dev-0-0" / "0001.png"))
    write_video(tmp_path / "short.mp4", [short] * 3)
    said = refused(seen, "--video", tmp_path / "short.mp4", *model)
    assert "is too short: it has 3 of the 4 frames that are needed" in said
    (tmp_path / "black").mkdir()
    for i in range(5):
        (tmp_path / "black" / f"{i}.png").write_bytes(b"no picture")
    assert "none of its 5 frames can be read" in refused(
        seen, "--video", tmp_path / "black", *model)  # fmt: skip
    assert "the range ends at 90" in refused(
        seen, "--video", f"{place.corpus / 'test' / 'test-0-0.mp4'}#0:90", *model)  # fmt: skip


def test_another_image_model_is_refused(place: Place, seen: Path, tmp_path: Path) -> None:
    clip = place.corpus / "test" / "test-0-0.mp4"
    said = refused(seen, "--video", clip)
    assert "by the image model of a folder 'resnet'" in said and "--model FOLDER" in said
    other = save_resnet(tmp_path / "resnet", seed=1)
    assert "(different: weights_sha256)" in refused(seen, "--video", clip, "--model", other)
    assert "no model of transformers" in refused(seen, "--video", clip, "--model", tmp_path)


def test_what_the_model_takes(place: Place, seen: Path, tmp_path: Path) -> None:
    clip = ("--video", place.corpus / "test" / "test-0-0.mp4", "--model", place.model)
    assert "(gloss-free) takes no question" in refused(seen, *clip, "--question", "wann")
    assert "(gloss-free) takes no gloss" in refused(seen, *clip, "--gloss", "REGEN")
    assert "(gloss-free) needs a video" in refused(seen)
    text = trained(place, tmp_path / "text", "gloss-to-text", epochs=2, eval_every=2)
    done = translate(text, "--gloss", "REGEN NORD")
    assert done.exit_code == 0 and done.stdout == predictions(text)["test-0-0"] + "\n"
    assert "(gloss-to-text) needs a gloss" in refused(text)
    assert "(gloss-to-text) sees no video" in refused(text, *clip, "--gloss", "REGEN")
    assert "holds no run" in refused(tmp_path, *clip)
    (tmp_path / "text" / "checkpoints").rename(tmp_path / "text" / "away")
    assert "holds no trained model" in refused(text, "--gloss", "REGEN")


def test_questions_and_glosses_that_are_read(place: Place, seen: Path, tmp_path: Path) -> None:
    store = seen.parent / "moved-back"
    shutil.copytree(place.store.with_name("moved"), store)
    clip = ("--video", place.corpus / "test" / "test-2-0.mp4", "--model", place.model)
    asked = trained(place, tmp_path / "asked", "ssl-ssaw", features=store, epochs=1)
    read = trained(place, tmp_path / "read", "gloss-assisted", features=store, gloss="ctc",
                   epochs=1)  # fmt: skip
    blind = trained(place, tmp_path / "blind", "ssl-ssaw", features=store, epochs=1,
                    control="question-only")  # fmt: skip
    shutil.rmtree(store)
    question = SENTENCES["SCHNEE BERG"][1]
    done = translate(asked, *clip, "--question", question)
    assert done.stdout == predictions(asked)["test-2-0"] + "\n", done.output
    assert "(ssl-ssaw) needs a question" in refused(asked, *clip)
    assert "needs a question" in refused(asked, *clip, "--question", " ")
    done = translate(read, *clip)
    assert done.stdout == predictions(read)["test-2-0"] + "\n"
    glosses = [json.loads(line) for line in (read / "glosses.test.jsonl").open(encoding="utf-8")]
    assert done.stderr == f"glosses that were read: {glosses[2]['text']}\n"
    assert "reads the glosses off the video itself" in refused(read, *clip, "--gloss", "REGEN")
    done = translate(blind, "--question", question)
    assert done.stdout == predictions(blind)["test-2-0"] + "\n", done.output
    (asked / "features.json").unlink()  # a run of an older version
    said = refused(asked, *clip, "--question", question)
    assert "does not say what its features are, and their store" in said


def test_simulated_features_are_of_no_video(place: Place, tmp_path: Path) -> None:
    store = simulate(place.data, tmp_path / "store")
    out = trained(place, tmp_path / "run", "gloss-free", features=store, epochs=1)
    clip = place.corpus / "test" / "test-0-0.mp4"
    said = refused(out, "--video", clip)
    assert "was trained on simulated features: no video was looked at" in said
    kept = json.loads((out / "features.json").read_text("utf-8"))
    (out / "features.json").write_text(json.dumps(kept | {"extractor": "import"}), "utf-8")
    assert "trained on imported features" in refused(out, "--video", clip)
    (out / "features.json").write_text("{", "utf-8")
    assert "features.json: cannot be read" in refused(out, "--video", clip)


def test_landmarks_of_a_real_video(
    shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The sentence alone on standard output, and nothing of MediaPipe's on either."""
    pytest.importorskip("mediapipe")
    video = shared / "video" / "signer0_sample1000_color.mp4"
    parts = {"train-1": "0:9", "train-2": "26:35", "dev-1": "9:16", "test-1": "35:43"}
    lines = [f"{i},{i[:-2]},{'ja' if n % 2 else 'nein danke'},{video.name}#{at}"
             for n, (i, at) in enumerate(parts.items())]  # fmt: skip
    table = tmp_path / "clips.csv"
    table.write_text("\n".join(["clip_id,split,text,frames", *lines]) + "\n", "utf-8")
    data, store, out = tmp_path / "data", tmp_path / "store", tmp_path / "run"
    for words in (
        ["build", "table", "--table", str(table), "--language", "de", "--questions", "none",
         "--out", str(data), "--allow-findings"],
        ["features", str(data), "--extractor", "landmarks", "--points", "hands+pose",
         "--normalize", "--root", str(video.parent), "--workers", "0", "--out", str(store)],
    ):  # fmt: skip
        done = CliRunner().invoke(builder, words)
        assert done.exit_code == 0, done.output
    done = run(data, out, "gloss-free", features=store, epochs=30, eval_every=30)
    assert done.exit_code == 0, done.output
    shutil.rmtree(store)
    capfd.readouterr()
    told = translate(out, "--video", f"{video}#{parts['test-1']}")
    assert (told.stdout, told.stderr) == (predictions(out)["test-1"] + "\n", "")
    assert capfd.readouterr() == ("", "")  # of libraries that write past Python
    assert len(predictions(out)["test-1"]) > 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(place: Place, seen: Path) -> None:
    clip = place.corpus / "test" / "test-0-0.mp4"
    said = refused(seen, "--video", clip, "--model", place.model, "--device", "cuda")
    assert "finds no GPU" in said


def test_a_checkpoint_is_not_needed_afterwards(place: Place, tmp_path: Path) -> None:
    """A run that started from mBART holds all of its weights itself."""
    vocabulary = learn([text for text, _ in SENTENCES.values()] + list(SENTENCES), 300)
    torch.manual_seed(0)
    model = MBartForConditionalGeneration(MBartConfig(
        vocab_size=len(vocabulary), d_model=32, encoder_layers=2, decoder_layers=1,
        encoder_ffn_dim=64, decoder_ffn_dim=64, encoder_attention_heads=2,
        decoder_attention_heads=2, max_position_embeddings=600, scale_embedding=True,
        activation_function="relu", pad_token_id=vocabulary.pad_id,
    ))  # fmt: skip
    model.half().save_pretrained(tmp_path / "mbart")
    vocabulary.save(tmp_path / "mbart")
    out = trained(place, tmp_path / "run", "gloss-to-text", pretrained=tmp_path / "mbart",
                  d_model=32, epochs=2, eval_every=2)  # fmt: skip
    shutil.rmtree(tmp_path / "mbart")
    text, _ = translate_clip(out, Given(None, None, "WIND STARK KUESTE", None), "cpu")
    assert text == predictions(out)["test-3-0"]
    shutil.rmtree(out / "pretrained")
    with pytest.raises(QbsltError, match="there is no such folder of an mBART checkpoint"):
        translate_clip(out, Given(None, None, "WIND", None), "cpu")
