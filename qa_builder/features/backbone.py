"""An image model of transformers and its image processor, from the Hub or a folder. (Ours.)

Weights are read from safetensors files alone, code that comes with a model is never run, and
images are prepared by the processor's Pillow version, so that torchvision is not needed.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXTRA = "qbslt[features,baselines]"
_FILES = ["config.json", "*processor_config.json", "model*.safetensors", "model*.safetensors.index.json"]  # fmt: skip  # noqa: E501
_OFFLINE = (
    "Name a model of the Hub such as microsoft/resnet-18, or a folder with its files; on a machine "
    "without network, fetch it before with `hf download`."
)


class Files(NamedTuple):
    """Where a model's files are, and what tells this version of them from others."""

    folder: Path
    name: str  # as the Hub has it, or the folder's name
    commit: str | None  # of the Hub
    sha256: str | None  # of the weights, where there is no commit


class Backbone:
    """A model that makes one vector of each image."""

    def __init__(self, files: Files, device: str, dtype: str) -> None:
        """Load it.

        Raises QbsltError for a model that can't make a vector of an image, and for a device that
        this machine lacks.
        """
        import torch

        self.device, self._dtype = device, getattr(torch, dtype)
        self.processor, model, untrained = load_model(files, self._dtype)
        try:
            self._model = model.to(device).eval()
        except (AssertionError, RuntimeError) as e:  # a torch without CUDA, no driver, cuda:7
            why = (str(e).splitlines() or ["no reason given"])[0].rstrip(".")
            raise QbsltError(f"--device {device} can't be used on this machine ({why}).",
                             cure="Take --device cpu or auto.") from None  # fmt: skip
        self.architecture = type(self._model).__name__
        self._has_pooler = not untrained
        self.pooling, self.dim = self._probe(files.name)

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Vectors of RGB images [height, width, 3], as [n, dim]."""
        import torch

        with torch.inference_mode(), _one_thread(self.device):
            vectors, _ = self._vectors(images)
            return vectors.float().cpu().numpy()  # type: ignore[no-any-return]

    def preparation(self) -> dict[str, Any]:
        """What is done to an image before the model sees it: resize, crop, mean, deviation, ..."""
        done = self.processor.to_dict()
        return {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(done.items())
                if isinstance(v, (bool, int, float, str, list, tuple, dict))}  # fmt: skip

    def _vectors(self, images: Sequence[NDArray[np.uint8]]) -> tuple[Any, str]:
        """[n, dim], and how they were pooled."""
        made = self.processor(list(images), return_tensors="pt", input_data_format="channels_last")
        pixels = made["pixel_values"].to(self.device, self._dtype)
        out = self._model(pixel_values=pixels)
        return pooled(self._model, out, self._has_pooler)

    def _probe(self, name: str) -> tuple[str, int]:
        """Pooling and size of the vectors, by a look at one image of noise, twice."""
        import torch

        image = np.random.default_rng(0).integers(0, 256, (240, 200, 3), np.uint8)
        try:
            with torch.inference_mode(), _one_thread(self.device):
                vectors, pooling = self._vectors([image, image])
                again, _ = self._vectors([image, image])
        except Exception as e:  # whatever a model says that wants something else than an image
            raise QbsltError(f"the model {name} makes no vector of an image ({_first(e)}).",
                             cure="Name an image model such as microsoft/resnet-18.") from None  # fmt: skip  # noqa: E501
        if vectors.ndim != 2 or len(vectors) != 2:
            raise QbsltError(f"the model {name} makes no vector of an image, but numbers of shape "
                             f"{list(vectors.shape[1:])}.")  # fmt: skip
        if not torch.equal(vectors, again):
            raise QbsltError(f"the model {name} makes other numbers of the same image each time.",
                             cure="Take a model that leaves nothing to chance.")  # fmt: skip
        return pooling, int(vectors.shape[1])


def pooled(model: Any, out: Any, has_pooler: bool) -> tuple[Any, str]:
    """One vector an image [n, dim] of what a model gave, and how it was made of it."""
    found = getattr(out, "pooler_output", None)
    if found is not None and has_pooler:
        return found.flatten(1), "the model's own pooling (pooler_output)"
    last = out.last_hidden_state
    if last.ndim == 4:
        return last.mean((2, 3)), "mean of the last feature map"
    if any(n.endswith(("cls_token", "class_embedding")) for n, _ in model.named_parameters()):
        return last[:, 0], "first token ([CLS]) of the last layer"
    return last.mean(1), "mean of the last layer's tokens"


def fetch(model: str, revision: str | None) -> Files:
    """Find a model's files: in a folder, or on the Hub (through its cache).

    Raises QbsltError for a model that is not there, or out of reach, or without safetensors.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision:
            raise QbsltError("--revision is that of a model of the Hub; this is a folder.",
                             file=folder)  # fmt: skip
        _check_files(folder, model)
        return Files(folder, folder.resolve().name, None, _digest(folder))
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise QbsltError("there is no such folder of a model.", file=folder, cure=_OFFLINE)
    from huggingface_hub import snapshot_download

    try:
        found = Path(snapshot_download(model, revision=revision, allow_patterns=_FILES))
    except (OSError, ValueError) as e:  # of huggingface_hub all are one or the other
        what = f" in revision {revision}" if revision else ""
        raise QbsltError(f"the model {model}{what} can't be had ({_first(e)}).",
                         cure=_OFFLINE) from None  # fmt: skip
    _check_files(found, model)
    return Files(found, model, found.name, None)


def check_packages() -> None:
    """Raise QbsltError where torch, transformers or Pillow is missing."""
    from importlib.util import find_spec

    missing = [n for n, module in (("torch", "torch"), ("transformers", "transformers"),
                                   ("pillow", "PIL")) if find_spec(module) is None]  # fmt: skip
    if missing:
        raise QbsltError(f"--extractor frames needs {' and '.join(missing)}.",
                         cure=f"Install it: pip install '{EXTRA}'.")  # fmt: skip


def _check_files(folder: Path, model: str) -> None:
    if not (folder / "config.json").is_file():
        raise QbsltError(f"{model} holds no model of transformers (config.json).", cure=_OFFLINE)
    if not list(folder.glob("model*.safetensors")):
        raise QbsltError(
            f"{model} has no weights as safetensors; others, which can hold code, are not read.",
            cure="Save it again with save_pretrained, or take another revision.",
        )
    if not list(folder.glob("*processor_config.json")):
        raise QbsltError(f"{model} does not say how its images are prepared "
                         "(preprocessor_config.json).", cure="Name an image model.")  # fmt: skip


def _digest(folder: Path) -> str:
    """sha256 of all weights, in the order of the files' names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("model*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def load_model(files: Files, dtype: Any) -> tuple[Any, Any, bool]:
    """Processor, model, and whether its pooler has no trained weights.

    Of a model of pictures and text it is the part that looks at pictures. Raises QbsltError for
    files that transformers can't load, and for weights that are not complete.
    """
    import transformers

    library: Any = transformers  # parts of it have no types
    library.logging.set_verbosity_error()
    library.utils.logging.disable_progress_bar()
    safe: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        processor = library.AutoImageProcessor.from_pretrained(files.folder, backend="pil", **safe)
        model, info = library.AutoModel.from_pretrained(
            files.folder, use_safetensors=True, dtype=dtype, output_loading_info=True, **safe
        )
    except Exception as e:  # of transformers, torch or safetensors
        raise QbsltError(f"the model {files.name} can't be loaded ({_first(e)}).",
                         cure="Name an image model that this version of transformers knows.") from None  # fmt: skip  # noqa: E501
    missing = {*info["missing_keys"], *(k[0] for k in info["mismatched_keys"])}
    lost = sorted(k for k in missing if "pooler" not in k.split("."))
    if lost:
        raise QbsltError(f"the weights of {files.name} are not complete: {lost[0]} and "
                         f"{len(lost) - 1} more are missing.")  # fmt: skip
    return processor, getattr(model, "vision_model", model), bool(missing)


@contextlib.contextmanager
def _one_thread(device: str) -> Iterator[None]:
    """On a CPU, sums are made in another order by another number of threads."""
    import torch

    before = torch.get_num_threads()
    if device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _first(error: Exception) -> str:
    """The first line of a library's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.')}" if lines else type(error).__name__  # fmt: skip  # noqa: E501
