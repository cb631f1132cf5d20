"""How large a model is and how much it computes, before anything is trained: no data, no weights.

    python -m baselines.sizes MODEL KEY=VALUE ...        (the options of `qbslt-bench run`)

Weights are counted on PyTorch's meta device, the backbone's operations by its FLOP counter (a
multiplication and an addition are two). Training keeps of each weight itself, its gradient and
AdamW's two moments, all in float32. What the layers keep for the way back is counted of the
backbone alone, by frame, in float32: under bf16 it is less. (Ours.)
"""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from baselines.methods import METHODS, calm_threads
from benchmarks.runner import read_options
from qa_builder.console import fail, print_table
from qa_builder.errors import QbsltError, known

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from baselines.translator import Translator

_COPIES = 4  # of each weight: itself, gradient, two moments
_PARTS = {
    "backbone": "backbone", "sign": "sign encoder", "text": "text encoder",
    "mbart": "fusion encoder and decoder",
}  # fmt: skip


class _Pieces(NamedTuple):
    """What of a vocabulary decides the size of a model."""

    n: int
    pad_id: int = 1
    bos_id: int = 0
    eos_id: int = 2
    mask_id: int = 4
    decoder_start_id: int = 2
    special_ids: tuple[int, ...] = (0, 1, 2, 4)

    def __len__(self) -> int:
        return self.n


def main(words: list[str]) -> None:
    """Print the sizes of a model of some options; raises QbsltError as `qbslt-bench run` does."""
    calm_threads()
    logging.disable(logging.WARNING)
    name = words[0] if words else ""
    if name not in METHODS:
        raise known(name, METHODS, "model")
    method = METHODS[name]
    config = method.config(**method.resolve(read_options(None, words[1:])))
    graph = method.graph(config)
    model, pieces = _model(config, graph)
    rows: list[list[Any]] = []
    total = 0
    for part, n in _weights(model).items():
        rows.append([f"weights: {part}", n, ""])
        total += n
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    rows.append(["weights: all", total, f"{total * 4 / 2**30:.2f} GiB"])
    kept = (total + (_COPIES - 1) * learning) * 4
    rows.append(["weights, gradients, moments", "", f"{kept / 2**30:.2f} GiB"])
    if model.backbone is not None:
        n, kept = _of_a_frame(model.backbone, config.image_size)
        rows.append(["backbone, a frame, forward", "", f"{n / 1e9:.2f} GFLOP"])
        piece = f"{kept * config.backbone_chunk / 2**30:.2f} GiB"
        rows.append(["backbone, a frame, kept for the way back", "", f"{kept / 2**20:.1f} MiB"])
        rows.append(["backbone, a piece of", config.backbone_chunk, piece])
    print_table(f"{name}, preset {config.preset}, {pieces:,} pieces", ["what", "number", ""], rows)


def _model(config: Config, graph: Graph) -> tuple[Translator, int]:
    import torch

    from baselines.translator import Translator

    folder = config.pretrained or config.vocabulary
    if folder and Path(folder).is_dir():
        from baselines import vocabulary

        n = len(vocabulary.load(folder))
    else:
        n = config.vocab_size
    backbone: Any = None
    dim = 0
    if config.features:
        from baselines.data import feature_dim
        from qa_builder.features.store import open_store

        dim = feature_dim(open_store(config.features))
    with torch.device("meta"):
        if config.frames_root and graph.sign and not graph.hide_sign:
            backbone = _backbone(config)
        made: Any = _Pieces(n)
        model = Translator(replace(config, pretrained=None), graph, made, dim=dim,
                           glosses=0, backbone=backbone)  # fmt: skip
    return model.eval(), n


def _backbone(config: Config) -> Any:
    """The backbone's architecture, without weights."""
    from torch import nn
    from transformers import AutoConfig, AutoModel

    try:
        found = AutoConfig.from_pretrained(str(config.backbone))
    except (OSError, ValueError) as e:
        said = " ".join(str(e).split())[:200]
        raise QbsltError(f"the backbone {config.backbone!r} can't be had ({said}).",
                         cure="Name an image model of the Hub, or a folder with one.") from None  # fmt: skip  # noqa: E501
    auto: Any = AutoModel
    model = auto.from_config(found)
    made: Any = nn.Module()
    made.model, made.dim = model, _width(found)
    return made


def _width(config: Any) -> int:
    sizes = getattr(config, "hidden_sizes", None)
    return int(sizes[-1] if sizes else config.hidden_size)


def _weights(model: Translator) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, weight in model.named_parameters():  # shared ones once
        part = _PARTS.get(name.partition(".")[0], "other")
        counts[part] = counts.get(part, 0) + weight.numel()
    return counts


def _of_a_frame(backbone: Any, size: int) -> tuple[int, int]:
    """Operations of one frame forward, and bytes (in float32) that are kept for the way back."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    own = {w.untyped_storage()._cdata for w in (*backbone.parameters(), *backbone.buffers())}
    kept: dict[int, Any] = {}  # storages by their address, held so that none is used twice

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage
        return tensor

    counter = FlopCounterMode(display=False)
    with counter, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone.model(pixel_values=torch.zeros(1, 3, size, size, device="meta"))
    return counter.get_total_flops(), sum(storage.nbytes() for storage in kept.values())


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except QbsltError as e:
        fail(str(e), e.exit_code)
