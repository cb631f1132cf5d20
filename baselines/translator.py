"""The translator: sign and text encoder, fusion and MBart decoder, and the losses between them.

`baselines.graph` draws it. The fusion encoder is the encoder of `MBartForConditionalGeneration`,
fed with states; so beam search and caching are the library's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutput

from baselines.ctc import CtcHead, ctc_loss
from baselines.lora import add_adapters
from baselines.losses import (
    IGNORED,
    Losses,
    cross_entropy,
    identical_rows,
    info_nce,
    mask_tokens,
    mean_of,
)
from baselines.sentences import Sentences
from baselines.sign_encoder import SignEncoder
from baselines.ssaw import Ssaw, share_attention, shares
from baselines.text_encoder import TextEncoder, mbart, text_layers

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.backbone import FrameEncoder
    from baselines.config import Config
    from baselines.data import Batch
    from baselines.graph import Graph
    from baselines.vocabulary import Vocabulary

States = tuple[Tensor, Tensor]  # [batch, n, width], and their mask [batch, n]
_MOST = 100.0  # of the scale of InfoNCE (CLIP)


class Fused(NamedTuple):
    """The sequence that is translated."""

    states: Tensor
    """[batch, n, width]: sign first, then assistance, without gaps between them."""
    mask: Tensor
    """[batch, n]"""
    weights: Tensor | None
    """SSAW's, [batch, n]."""
    attended: Tensor
    """What the decoder has for a mask, [batch, n]: whole numbers, or SSAW's weights (`share`)."""


class Explanation(NamedTuple):
    """What a translation looked at; see `Translator.explain`."""

    pieces: Tensor
    """[batch, length]: the translation, without the start."""
    attention: Tensor
    """[batch, length, n]: cross-attention of each piece, mean over layers and heads; sums to 1."""
    weights: Tensor | None
    """[batch, n]: SSAW's."""
    mask: Tensor
    """[batch, n]: positions of the fused sequence; signs first, four frames each, then pieces."""
    signs: Tensor
    """[batch]: how many of them are signs."""


class Translator(nn.Module):
    """The graph of a method, over features of `dim` numbers a frame and `glosses` CTC classes."""

    def __init__(
        self, config: Config, graph: Graph, vocabulary: Vocabulary, *, dim: int = 0,
        glosses: int = 0, backbone: FrameEncoder | None = None, checkpoint: Path | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.graph, self.smoothing = graph, config.label_smoothing
        self.mask_id, self.special = vocabulary.mask_id, sorted(vocabulary.special_ids)
        self.start_id = vocabulary.decoder_start_id
        self.mbart = mbart(config, vocabulary, checkpoint)
        width = config.d_model
        dim = dim if backbone is None else backbone.dim
        self.backbone = backbone if graph.sign and not graph.hide_sign else None
        self.sign = SignEncoder(dim, config) if graph.sign else None
        self.text = None
        if graph.assist:
            self.text = TextEncoder(text_layers(config, checkpoint), self.mbart.model.shared)
        self.kinds = nn.Embedding(2, width)
        nn.init.normal_(self.kinds.weight, std=width**-0.5)
        self.ssaw = Ssaw(width, config.heads) if graph.ssaw else None
        if graph.ssaw == "share":
            share_attention(self.mbart.model.decoder)
        self.ctc = CtcHead(width, glosses) if graph.ctc else None
        self.contrast = None
        if graph.contrast:
            self.contrast = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(2))
            self.scale = nn.Parameter(torch.tensor(-math.log(graph.temperature)))
        self.mlm = None
        if graph.mlm:
            self.mlm = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.sentences = None
        if graph.sentences:
            self.sentences = Sentences(config, graph, self.mbart.model.shared, checkpoint)
        if graph.lora_rank:
            add_adapters(self.mbart, graph.lora_rank)
        if not graph.translation:  # it would have no gradients, which DDP does not like
            self.mbart.model.shared.requires_grad_(False)
            self.mbart.model.decoder.requires_grad_(False)

    def forward(self, batch: Batch) -> Losses:
        """The losses, scalars, of a batch with targets; shapes as in `data.Batch` [batch, ...]."""
        sign, text = self._sides(batch)
        fused = self.fuse(sign, text)
        assert batch.target_ids is not None and batch.target_mask is not None
        labels = batch.target_ids.masked_fill(~batch.target_mask, IGNORED)
        parts: dict[str, Tensor] = {}
        total = torch.zeros((), device=fused.states.device)
        if self.graph.translation:
            logits = self._logits(fused, batch)
            parts["translation"] = cross_entropy(logits, labels, self.smoothing)
            total = total + self.graph.translation * parts["translation"]
        if self.sentences is not None:
            alone = text is None and self.sentences.first is None
            video = (fused.states, fused.mask) if alone else self._compared(sign)
            parts["sentences"] = self.sentences(video, batch)
            total = total + self.graph.sentences * parts["sentences"]
        if self.contrast is not None:
            parts["contrast"] = self._contrast(sign, text, batch)
            total = total + self.graph.contrast * parts["contrast"]
        if self.mlm is not None:
            parts["mlm"] = self._mlm(sign, batch)
            total = total + self.graph.mlm * parts["mlm"]
        if self.ctc is not None:
            assert sign and batch.glosses is not None and batch.gloss_lengths is not None
            parts["ctc"] = ctc_loss(self.ctc(sign[0]), sign[1], batch.glosses, batch.gloss_lengths)
            total = total + self.graph.ctc * parts["ctc"]
        return Losses(total, {name: part.detach() for name, part in parts.items()})

    def fuse(self, sign: States | None, text: States | None) -> Fused:
        """Both sequences, weighted and through the fusion encoder."""
        sides = [(s[0] + self.kinds.weight[i], s[1]) for i, s in enumerate((sign, text)) if s]
        states, mask = pack(sides)
        weights, attended = None, mask.long()
        among = attended  # what the positions have for a mask when they look at one another
        if self.ssaw is not None:
            states, weights = self.ssaw(states, mask)
            if self.graph.ssaw == "share":
                attended, among = weights, shares(weights).expand(-1, -1, mask.shape[1], -1)
            else:
                states = weights[..., None] * states
        encoder = self.mbart.model.encoder
        states = encoder(inputs_embeds=states, attention_mask=among).last_hidden_state
        if weights is not None and self.graph.ssaw == "scale-behind":
            states = weights[..., None] * states
        return Fused(states, mask, weights, attended)

    def compared(self, batch: Batch) -> tuple[States, States]:
        """The tokens of videos and of their sentences that are compared; of a graph with both."""
        assert self.sentences is not None
        return self._compared(self.encode_sign(batch)), self.sentences.tokens(batch)

    def _compared(self, sign: States | None) -> States:
        """What the fusion encoder makes of the video alone: a question would tell the sentence."""
        assert sign and self.sentences is not None
        first = self.sentences.first
        if first is None:
            fused = self.fuse(sign, None)
            return fused.states, fused.mask
        states, mask = sign
        before = first.to(states.dtype).expand(len(states), 1, -1)
        longer = torch.cat([before, states], 1), torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
        fused = self.fuse(longer, None)
        return fused.states[:, :1], fused.mask[:, :1]

    @torch.no_grad()
    def nll(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of each target [batch]: its negative log-likelihood in nats, and its pieces."""
        assert batch.target_ids is not None and batch.target_mask is not None
        logits = self._logits(self.fuse(*self._sides(batch)), batch).float()
        labels = batch.target_ids
        losses = -logits.log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
        return (losses * batch.target_mask).sum(1), batch.target_mask.sum(1)

    @torch.no_grad()
    def generate(self, batch: Batch, **options: Any) -> Tensor:
        """The pieces of a translation of each sample [batch, longest]; options of `generate`."""
        return self._generate(self.fuse(*self._sides(batch)), options)

    @torch.no_grad()
    def explain(self, batch: Batch, **options: Any) -> Explanation:
        """Translate, and show what of the signs and the assistance it was made of."""
        sign, text = self._sides(batch)
        fused = self.fuse(sign, text)
        found = self._generate(fused, options)
        signs = torch.zeros_like(found[:, 0]) if sign is None else sign[1].sum(1)
        looks = self._looks(fused, found[:, :-1])
        return Explanation(found[:, 1:], looks, fused.weights, fused.mask, signs)

    @torch.no_grad()
    def looks(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Where the decoder looks for each piece of the targets [batch, length, n]; the mask
        [batch, n] of the positions, and how many of them, the first, are signs [batch].
        """
        sign, text = self._sides(batch)
        fused = self.fuse(sign, text)
        signs = torch.zeros_like(fused.mask[:, 0], dtype=torch.long)
        looks = self._looks(fused, self._before(batch))
        return looks, fused.mask, signs if sign is None else sign[1].sum(1)

    def _looks(self, fused: Fused, before: Tensor) -> Tensor:
        """Cross-attention after the pieces before [batch, length]: [batch, length, n], mean over
        layers and heads.
        """
        usual = self.mbart.config._attn_implementation
        self.mbart.set_attn_implementation("eager")  # the faster ones keep no weights
        try:
            attention = self.mbart(
                encoder_outputs=BaseModelOutput(last_hidden_state=fused.states),
                attention_mask=fused.attended, decoder_input_ids=before,
                use_cache=False, output_attentions=True,
            ).cross_attentions  # fmt: skip
        finally:
            self.mbart.set_attn_implementation(usual)
        return torch.stack(attention).mean((0, 2))

    @torch.no_grad()
    def read_glosses(self, batch: Batch) -> States:
        """Log-probabilities of the CTC head [batch, n, classes], and their mask."""
        assert self.ctc is not None
        states, mask = self.encode_sign(batch)
        return self.ctc(states), mask

    def encode_sign(self, batch: Batch) -> States:
        """The sign states; of one zero frame each where the video is hidden."""
        frames, mask = batch.features, batch.frame_mask
        assert self.sign is not None and mask is not None
        if self.graph.hide_sign:
            mask = torch.ones_like(mask[:, :1])
            frames = self.kinds.weight.new_zeros(len(mask), 1, self.sign.dim)
        elif self.backbone is not None:
            assert batch.images is not None
            frames = self.backbone(batch.images, mask)
        sign: States = self.sign(frames, mask)
        return sign

    def _sides(self, batch: Batch) -> tuple[States | None, States | None]:
        sign = None if self.sign is None else self.encode_sign(batch)
        text = None if self.text is None else self.text(batch.assist_ids, batch.assist_mask)
        return sign, text

    def _generate(self, fused: Fused, options: dict[str, Any]) -> Tensor:
        found = self.mbart.generate(  # type: ignore[misc]
            encoder_outputs=BaseModelOutput(last_hidden_state=fused.states),
            attention_mask=fused.attended, **options,
        )  # fmt: skip
        assert isinstance(found, Tensor)
        return found

    def _logits(self, fused: Fused, batch: Batch) -> Tensor:
        """Logits [batch, length, pieces] of the targets, each given those before it."""
        output = self.mbart(
            encoder_outputs=BaseModelOutput(last_hidden_state=fused.states),
            attention_mask=fused.attended, decoder_input_ids=self._before(batch), use_cache=False,
        )  # fmt: skip
        logits: Tensor = output.logits
        return logits

    def _before(self, batch: Batch) -> Tensor:
        """What stands before each piece of the targets, [batch, length]: the start, then they."""
        assert batch.target_ids is not None
        before = batch.target_ids.roll(1, dims=1)
        before[:, 0] = self.start_id
        return before

    def _contrast(self, sign: States | None, text: States | None, batch: Batch) -> Tensor:
        assert sign and text and self.contrast is not None
        assert batch.assist_ids is not None and batch.target_ids is not None
        same = identical_rows(batch.assist_ids) | identical_rows(batch.target_ids)
        means = [net(mean_of(*side)) for net, side in zip(self.contrast, (sign, text), strict=True)]
        return info_nce(means[0], means[1], self.scale.exp().clamp(max=_MOST), same)

    def _mlm(self, sign: States | None, batch: Batch) -> Tensor:
        """Hidden pieces of the assistance, read off the fused sequence at their places."""
        assert self.text is not None and self.mlm is not None
        assert batch.assist_ids is not None and batch.assist_mask is not None
        size = self.mbart.config.vocab_size
        ids, labels = mask_tokens(
            batch.assist_ids, batch.assist_mask, mask_id=self.mask_id, size=size,
            special=self.special, share=self.graph.mlm_probability,
        )  # fmt: skip
        text = self.text(ids, batch.assist_mask)
        fused = self.fuse(sign, text)
        first = torch.zeros_like(ids[:, 0]) if sign is None else sign[1].sum(1)
        labels = labels[:, : text[1].shape[1]]
        chosen = labels != IGNORED
        states = stretch(fused.states, first, labels.shape[1])
        return cross_entropy(self.mbart.lm_head(self.mlm(states[chosen])), labels[chosen])


def pack(sides: list[States]) -> States:
    """Sequences one behind the other, what is there first: [batch, sum of lengths, width].

    Without it a question's place would depend on the longest video of its batch.
    """
    states, mask = (torch.cat(list(part), dim=1) for part in zip(*sides, strict=True))
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)
    return states.gather(1, order[..., None].expand_as(states)), mask.gather(1, order)


def stretch(states: Tensor, first: Tensor, length: int) -> Tensor:
    """Of each row of `states` [batch, n, width] the `length` ones from place `first` [batch] on."""
    places = first[:, None] + torch.arange(length, device=states.device)
    places = places.clamp(max=states.shape[1] - 1)[..., None]
    return states.gather(1, places.expand(-1, -1, states.shape[2]))
