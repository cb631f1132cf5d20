"""An image backbone of transformers as the first part of a translator, trained with it. (Ours.)

RUN/backbone/   config.json, model.safetensors   the model that training started from
                frames.json                      what is done to a picture before, and its source

The backbone stays in evaluation mode: the statistics of its batch norms are those that it came
with, so that a clip's states never depend on the other clips of its batch, and nothing is dropped.
Its weights are trained all the same. Frames go through it in pieces of `backbone_chunk`; where
there are several, their inner states are computed again on the way back, so that memory holds those
of one piece.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError
from qa_builder.features.backbone import Files, fetch, load_model, pooled

if TYPE_CHECKING:
    from baselines.config import Config

BACKBONE, FRAMES = "backbone", "frames.json"


class FrameEncoder(nn.Module):
    """Pictures -> vectors of `dim` numbers."""

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, files: Files, config: Config) -> None:
        super().__init__()
        processor, self.model, untrained = load_model(files, torch.float32)
        self.has_pooler, self.chunk = not untrained, config.backbone_chunk
        done = processor.to_dict()
        for name, otherwise in (("image_mean", 0.0), ("image_std", 1.0)):
            found = done.get(name) if done.get("do_normalize") else None
            values = torch.tensor(found or [otherwise] * 3).view(3, 1, 1)
            self.register_buffer(name, values, persistent=False)
        self.model.eval()
        self.dim = self._probe(files.name, config)

    def train(self, mode: bool = True) -> FrameEncoder:
        """The model itself stays in evaluation mode, see above."""
        super().train(mode)
        self.model.eval()
        return self

    def forward(self, images: Tensor, mask: Tensor) -> Tensor:
        """`images` uint8 [batch, n, 3, height, width], `mask` [batch, n] -> [batch, n, dim].

        What is padding never goes through the backbone; its vectors are 0.
        """
        parts = torch.split(images[mask], self.chunk)
        again = len(parts) > 1 and torch.is_grad_enabled() and self.trained
        vectors = torch.cat([self._again(part) if again else self.vectors(part) for part in parts])
        found = vectors.new_zeros(*mask.shape, self.dim)
        found[mask] = vectors
        return found

    @property
    def trained(self) -> bool:
        """Whether any of its weights learns."""
        return any(p.requires_grad for p in self.model.parameters())

    def vectors(self, pictures: Tensor) -> Tensor:
        """Of pictures uint8 [n, 3, height, width] their vectors [n, dim], float32."""
        pixels = (pictures.float() / 255 - self.image_mean) / self.image_std
        found: Tensor = pooled(self.model, self.model(pixel_values=pixels), self.has_pooler)[0]
        return found.float()

    def _again(self, pictures: Tensor) -> Tensor:
        found: Tensor = checkpoint(
            self.vectors, pictures, use_reentrant=False, preserve_rng_state=False
        )
        return found

    def _probe(self, name: str, config: Config) -> int:
        """Size of a vector, by one grey picture; weights that it does not need learn nothing."""
        grey = torch.full((1, 3, config.image_size, config.image_size), 128, dtype=torch.uint8)
        try:
            with torch.enable_grad():
                found = self.vectors(grey)
                found.sum().backward()  # type: ignore[no-untyped-call]
        except Exception as e:  # whatever a model says that wants something else than a picture
            said = (str(e).splitlines() or [""])[0][:200].rstrip(".")
            raise QbsltError(
                f"the backbone {name} makes no vector of a picture of image_size="
                f"{config.image_size} ({type(e).__name__}: {said}).",
                cure="Name an image model such as microsoft/resnet-18, and the image_size that it "
                "takes.",
            ) from None  # fmt: skip
        for weight in self.model.parameters():
            weight.requires_grad_(weight.grad is not None and config.backbone_learning_rate > 0)
            weight.grad = None
        if found.ndim != 2:
            raise QbsltError(f"the backbone {name} makes no vector of a picture, but numbers of "
                             f"shape {list(found.shape[1:])}.")  # fmt: skip
        return int(found.shape[1])


def keep_backbone(config: Config, folder: Path) -> None:
    """Put the backbone of config.backbone into a run's folder, unless one is there.

    Raises QbsltError for a backbone that is not there, out of reach, or makes no vectors.
    """
    if (folder / BACKBONE).is_dir():
        return
    assert config.backbone is not None
    files = fetch(config.backbone, None)
    made = FrameEncoder(files, config)
    about = {"model": files.name, "revision": files.commit, "weights_sha256": files.sha256,
             "dim": made.dim, "image_size": config.image_size,
             "image_mean": made.image_mean.flatten().tolist(),
             "image_std": made.image_std.flatten().tolist()}  # fmt: skip
    with new_folder(folder / BACKBONE) as new:
        for file in _model_files(files.folder):
            (new / file.name).write_bytes(file.read_bytes())
        (new / FRAMES).write_text(json.dumps(about, indent=1) + "\n", "utf-8")


def _model_files(folder: Path) -> list[Path]:
    patterns = ("config.json", "*processor_config.json", "model*.safetensors*")
    return sorted({file for pattern in patterns for file in folder.glob(pattern)})


def run_backbone(config: Config, folder: Path) -> FrameEncoder:
    """The backbone in a run's folder; raises QbsltError where there is none."""
    kept: Any = folder / BACKBONE
    if not (kept / FRAMES).is_file():
        raise QbsltError("holds no backbone.", file=kept,
                         cure="Copy the whole run again, or train it again.")  # fmt: skip
    about = json.loads((kept / FRAMES).read_text("utf-8"))
    return FrameEncoder(Files(kept, about["model"], about["revision"], None), config)
