"""Frame embeddings by small backbones that are made here, from folders and over HTTP."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hub_double import Handler, Hub, hub_double
from hub_double import Repo as HubRepo

from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipTask, make_extractor
from qa_builder.features.frames import FrameEmbeddings

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
cv2 = pytest.importorskip("cv2")
TASK = ClipTask("clip", "train", None, None, "clip/*.png", None, None)
N = 11


def save(folder: Path, config: Any, head: str = "", **processor: Any) -> Path:
    """A model with random weights and its image processor, saved as the Hub has them."""
    torch.manual_seed(0)
    auto = getattr(transformers, head) if head else transformers.AutoModel
    model = auto(config) if head else auto.from_config(config)
    model.save_pretrained(folder)
    done = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
            "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.25],
            "resample": 3}  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(done | processor), "utf-8")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small backbones of the documented kinds, and a classifier without a trained pooler."""
    folder = tmp_path_factory.mktemp("models")
    save(folder / "resnet", transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], layer_type="basic",
    ), image_processor_type="ConvNextImageProcessor", size={"shortest_edge": 48},
        crop_pct=0.875)  # fmt: skip
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    save(folder / "dinov2", transformers.Dinov2Config(image_size=56, patch_size=14, **small),
         image_processor_type="BitImageProcessor", size={"shortest_edge": 64},
         do_center_crop=True, crop_size={"height": 56, "width": 56})  # fmt: skip
    vit = {"image_size": 32, "patch_size": 16, "intermediate_size": 64, **small}
    save(folder / "vit", transformers.ViTConfig(**vit), "ViTForImageClassification",
         image_processor_type="ViTImageProcessor", size={"height": 32, "width": 32})  # fmt: skip
    save(folder / "mae", transformers.ViTMAEConfig(**vit),
         image_processor_type="ViTImageProcessor", size={"height": 32, "width": 32})  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 11 frames of 52 x 42, of which two can't be read."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "clip").mkdir()
    for i in range(1, N + 1):
        noise = np.random.default_rng(i).integers(0, 256, (6, 5, 3), np.uint8)
        frame = cv2.resize(noise, (42, 52), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "clip" / f"images{i:04d}.png"), frame)
    (folder / "clip" / "images0004.png").unlink()
    (folder / "clip" / "images0011.png").write_bytes(b"")
    return folder


def by_hand(models: Path, name: str, image: np.ndarray) -> np.ndarray:
    """What the documented backbones make of an image, without transformers' processors."""
    from PIL import Image

    short, side = (int(48 / 0.875), 48) if name == "resnet" else (64, 56)
    width, height = short, int(short * image.shape[0] / image.shape[1])
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    top, left = (height - side) // 2, (width - side) // 2
    part = np.asarray(resized)[top : top + side, left : left + side] / 255
    pixels = (part - [0.5, 0.4, 0.3]) / [0.2, 0.2, 0.25]
    model = transformers.AutoModel.from_pretrained(models / name).eval()
    with torch.no_grad():
        out = model(torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32))
    last = out.last_hidden_state  # a feature map, or tokens, of which the first is [CLS]
    return (last.mean((2, 3)) if name == "resnet" else last[:, 0])[0].numpy()


@pytest.mark.parametrize(("name", "dim"), [("resnet", 24), ("dinov2", 32)])
def test_the_numbers_are_the_models_own(models: Path, root: Path, name: str, dim: int) -> None:
    extractor = make_extractor("frames", {"root": root, "model": str(models / name)})
    told, made = extractor.describe(), extractor(TASK)
    assert made.features.shape == (N, dim) and told.shape == (dim,)
    assert made.features.dtype == np.float16 and made.bad_frames == 2
    bad = np.isnan(made.features)
    assert bad[[3, 10]].all() and not np.delete(bad, [3, 10], axis=0).any()
    for i in (0, 9):  # the last one after the frame that is missing
        image = cv2.imread(str(root / "clip" / f"images{i + 1:04d}.png"))[..., ::-1]
        expected = by_hand(models, name, np.ascontiguousarray(image))
        assert made.features[i] == pytest.approx(expected, abs=4e-3)
    assert not np.allclose(made.features[0], made.features[9], atol=4e-3)


def test_all_that_decides_the_numbers_is_recorded(models: Path, root: Path) -> None:
    import hashlib

    told = FrameEmbeddings(root, str(models / "dinov2"), batch_size=4).describe()
    config = told.config
    weights = (models / "dinov2" / "model.safetensors").read_bytes()
    assert config["weights_sha256"] == hashlib.sha256(weights).hexdigest()
    assert (config["model"], config["revision"]) == ("dinov2", None)
    assert config["architecture"] == "Dinov2Model"
    assert config["pooling"] == "the model's own pooling (pooler_output)"
    done = config["image_processor"]
    assert done["size"] == {"shortest_edge": 64} and done["image_mean"] == [0.5, 0.4, 0.3]
    assert done["crop_size"] == {"height": 56, "width": 56} and done["image_std"][2] == 0.25
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert (config["batch_size"], config["device"]) == (4, device)
    assert config["dtype"] == ("bfloat16" if device == "cuda" else "float32")
    assert str(models) not in json.dumps(config)  # no path of this machine
    assert set(told.libraries) == {"torch", "transformers", "pillow", "opencv-contrib-python"}


@pytest.mark.parametrize("name", ["resnet", "dinov2", "vit"])
def test_the_batch_size_decides_no_more_than_a_last_digit(
    models: Path, root: Path, name: str
) -> None:
    made = [FrameEmbeddings(root, str(models / name), batch_size=b, device="cpu")(TASK).features
            for b in (1, 4, 32)]  # fmt: skip
    for other in made[1:]:
        assert np.allclose(made[0], other, rtol=2e-3, atol=1e-3, equal_nan=True)


def test_the_same_bytes_in_another_worker(models: Path, root: Path) -> None:
    extractor = FrameEmbeddings(root, str(models / "resnet"), batch_size=4, device="cpu")
    extractor.describe()
    other = pickle.loads(pickle.dumps(extractor))
    assert other == extractor and other._backbone is None
    first = extractor(TASK).features
    threads = torch.get_num_threads()
    torch.set_num_threads(threads % 2 + 1)
    try:
        assert other(TASK).features.tobytes() == first.tobytes()
        assert torch.get_num_threads() == threads % 2 + 1
    finally:
        torch.set_num_threads(threads)
    assert pickle.loads(pickle.dumps(extractor))._backbone is None  # the model stays here


def test_bfloat16_is_near_and_said(models: Path, root: Path) -> None:
    exact = FrameEmbeddings(root, str(models / "dinov2"), device="cpu")
    half = FrameEmbeddings(root, str(models / "dinov2"), device="cpu", dtype="bfloat16")
    assert half.describe().config["dtype"] == "bfloat16"
    a, b = exact(TASK).features, half(TASK).features
    assert np.nanmax(np.abs(a - b)) < 0.1 and not np.array_equal(a, b, equal_nan=True)


def test_a_pooler_without_trained_weights_is_not_used(models: Path, root: Path) -> None:
    extractor = FrameEmbeddings(root, str(models / "vit"), device="cpu")
    assert extractor.describe().config["pooling"] == "first token ([CLS]) of the last layer"
    again = FrameEmbeddings(root, str(models / "vit"), device="cpu")
    torch.manual_seed(5)  # a pooler that is made up would be another one now
    assert again(TASK).features.tobytes() == extractor(TASK).features.tobytes()


def broken(models: Path, folder: Path, kind: str) -> Path:
    """A copy of a good model that lacks something."""
    shutil.copytree(models / "resnet", folder)
    weights = folder / "model.safetensors"
    if kind == "pickle":
        torch.save({}, folder / "pytorch_model.bin")
        weights.unlink()
    elif kind == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif kind == "incomplete":
        from safetensors.torch import load_file, save_file

        tensors = load_file(weights)
        tensors.pop("encoder.stages.1.layers.0.layer.0.convolution.weight")
        save_file(tensors, weights, {"format": "pt"})
    elif kind == "unprepared":
        (folder / "preprocessor_config.json").unlink()
    elif kind == "code":
        config = json.loads((folder / "config.json").read_text("utf-8"))
        config |= {"model_type": "own", "auto_map": {"AutoModel": "own.Model"}}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        (folder / "own.py").write_text("raise SystemExit('code of a model was run')", "utf-8")
    elif kind == "empty":
        (folder / "config.json").unlink()
    return folder


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pickle", "has no weights as safetensors"),
        ("cut", r"the model m can't be loaded \(SafetensorError"),
        ("incomplete", r"weights of m are not complete: encoder\.stages\.1"),
        ("unprepared", "does not say how its images are prepared"),
        ("code", "the model m can't be loaded"),
        ("empty", "holds no model of transformers"),
    ],
)
def test_a_model_that_is_broken_is_told(
    models: Path, root: Path, tmp_path: Path, kind: str, message: str
) -> None:
    model = broken(models, tmp_path / "m", kind)
    with pytest.raises(QbsltError, match=message):
        FrameEmbeddings(root, str(model)).describe()


def test_settings_that_cant_be_are_told(models: Path, root: Path, tmp_path: Path) -> None:
    good = str(models / "resnet")
    for options, message in (
        ({"model": good, "batch_size": 0}, "--batch-size 0 is less than 1"),
        ({"model": good, "dtype": "int8"}, "unknown dtype 'int8'"),
        ({"model": good, "device": "gpu"}, "--device gpu is none that torch knows"),
        ({"model": good, "revision": "main"}, "this is a folder"),
        ({"model": str(tmp_path / "none")}, "there is no such folder of a model"),
        ({"model": str(models / "mae")}, "makes other numbers of the same image each time"),
        ({"model": good, "root": tmp_path / "none"}, "no such folder of frames"),
    ):
        with pytest.raises(QbsltError, match=message) as told:
            FrameEmbeddings(**{"root": root, **options}).describe()
        assert "\n" not in str(told.value)
    absent = FrameEmbeddings(root, good, device="cuda:63")  # a worker elsewhere may have it
    with pytest.raises(QbsltError, match="--device cuda:63 can't be used on this machine") as told:
        absent(TASK)
    assert "\n" not in str(told.value)
    with pytest.raises(QbsltError, match="--extractor frames needs --model"):
        make_extractor("frames", {"root": root})


class Models(Handler):
    """The double of the Hub, which knows datasets, asked for models."""

    def route(self, path: str, body: bytes) -> None:
        path = re.sub(r"^/api/models/", "/api/datasets/", path)
        super().route(re.sub(r"^/([\w.-]+/[\w.-]+/resolve/)", r"/datasets/\1", path), body)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_double() as hub:
        hub.RequestHandlerClass = Models
        hub.login(monkeypatch)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


def test_a_model_of_the_hub(
    hub: Hub, models: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = hub.repos["some/resnet"] = HubRepo(private=False)
    files = {f.name: f.read_bytes() for f in (models / "resnet").iterdir()}
    old = repo.commit({**files, "pytorch_model.bin": b"not to be read", "README.md": b"-"})
    new = repo.commit({**files, "README.md": b"--"})
    extractor = FrameEmbeddings(root, "some/resnet", device="cpu")
    config = extractor.describe().config
    assert (config["model"], config["revision"]) == ("some/resnet", new)
    assert config["weights_sha256"] is None  # the commit says it
    assert FrameEmbeddings(root, "some/resnet", old).describe().config["revision"] == old
    assert not hub.requests(r"pytorch_model\.bin|README")
    repo.commit({})  # a worker takes the commit that was described, whatever happens later
    here = FrameEmbeddings(root, str(models / "resnet"), device="cpu")(TASK).features
    worker = pickle.loads(pickle.dumps(extractor))
    assert worker(TASK).features.tobytes() == here.tobytes()

    with pytest.raises(QbsltError, match="revision gone can't be had"):
        FrameEmbeddings(root, "some/resnet", "gone").describe()
    with pytest.raises(QbsltError, match="model some/other can't be had"):
        FrameEmbeddings(root, "some/other").describe()
    hub.shutdown()
    hub.server_close()  # offline: what was fetched is there, what was not is told
    assert FrameEmbeddings(root, "some/resnet", new).describe().config["revision"] == new
    with pytest.raises(QbsltError, match="model some/unseen can't be had") as told:
        FrameEmbeddings(root, "some/unseen").describe()
    assert "\n" not in str(told.value) and "fetch it before with `hf download`" in str(told.value)
