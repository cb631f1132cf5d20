"""LoRA on the fusion encoder and the decoder, by peft. (Hu et al., ICLR 2022.)

SCL-SLT has rank 16 and alpha 32 on its visual encoder, which is an mBART encoder as our fusion
encoder is, and its decoder. Ours: on all linear maps of attention and feed-forward layers; the
adapters stay in the model to the end, so that fine-tuning trains them and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

MAPS = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


def add_adapters(model: nn.Module, rank: int) -> None:
    """Put adapters of a rank, with alpha = 2 rank, into a model; all its own weights are frozen."""
    from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=MAPS), model)
