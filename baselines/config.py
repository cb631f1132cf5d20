"""The options of our models: one dataclass a method. `options.py` fills them.

Light on purpose: `qbslt-bench list` and `--help` come through here, so no torch. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from baselines.options import PRESETS, option, preset, resolve
from qa_builder.errors import QbsltError

SCHEDULES = ("linear", "sqrt", "log", "easy-only", "hard-only", "random")
"""Of pair selection; named here, for `pair_selection.SCHEDULES` needs numpy."""

SSAW_WEIGHTS = ("share", "scale", "scale-behind")
"""What a weight of SSAW does; see `AssistedConfig.ssaw_weights`."""

__all__ = [
    "METHODS", "PRESETS", "SSAW_WEIGHTS", "AssistedConfig", "C", "ClSltConfig", "Config",
    "GlossAssistedConfig", "GlossFreeConfig", "GlossToTextConfig", "SclSltConfig", "SslSsawConfig",
    "configure", "preset", "resolve",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Config:
    """What all methods share. Where no default stands, the presets in configs/ have one."""

    method: ClassVar[str] = ""
    """Name of the method, as on the command line."""
    sees_video: ClassVar[bool] = True
    """Whether it needs a store of features."""

    preset: str = option("small", choices=PRESETS)
    """Sizes and schedule: tiny (CPU, seconds), small (one GPU, minutes), paper (mBART-large)."""
    features: str | None = None
    """Folder of the store of sign features; not given for methods that see no video."""
    frames_root: str | None = None
    """In place of `features`: corpus folder with the frames, for a backbone that learns, too."""
    backbone: str | None = "microsoft/resnet-18"
    """With frames_root: image model of transformers, by its name on the Hub or its folder."""
    image_size: int = option(224, low=16, high=2048)
    """With frames_root: height and width of a picture that the backbone sees (pixels)."""
    backbone_frames: int = option(2048, low=4)
    """With frames_root: frames of a batch, padding included, in place of batch_frames."""
    backbone_chunk: int = option(256, low=1)
    """With frames_root: frames that the backbone works on at a time; bounds the memory."""
    backbone_learning_rate: float = option(0.1, low=0)
    """With frames_root: learning rate of the backbone, as a share of learning_rate; 0: frozen."""
    allow_missing_features: bool = False
    """Go on where the store lacks clips: train and dev without them, test without their video."""
    pretrained: str | None = None
    """Folder of an mBART checkpoint cut down by `prepare-vocabulary`; None: from scratch."""
    vocabulary: str | None = None
    """Folder of a prepared vocabulary; None: that of `pretrained`, or one learned from train."""
    weights: str | None = None
    """Folder of a run whose trained weights are taken; nothing is trained."""
    sign_encoder: str | None = None
    """Folder of a run, of any model, with whose sign encoder training begins; None: a new one."""
    train_share: float = option(1.0, high=1, low=0.001)
    """Share of the train split that is learned from (0..1): always the same clips."""
    vocab_size: int = option(low=300, high=1_000_000)
    """Pieces of the vocabulary that is learned; more where the corpus has more characters."""
    lowercase_source: bool = True
    """Lower-case questions and glosses, so that they share pieces with the sentences."""

    d_model: int = option(low=8, high=8192)
    """Width of all states (dimensions)."""
    ffn_dim: int = option(low=8, high=65_536)
    """Width of the feed-forward layers (dimensions)."""
    heads: int = option(low=1, high=128)
    """Attention heads; they divide d_model."""
    sign_layers: int = option(low=0, high=48)
    """Transformer layers over the sign features, after the temporal convolution."""
    text_layers: int = option(low=0, high=48)
    """Transformer layers over the question or the glosses."""
    fusion_layers: int = option(low=0, high=48)
    """Transformer layers over both together: the translator's encoder."""
    decoder_layers: int = option(low=1, high=48)
    """Transformer layers of the decoder."""
    dropout: float = option(low=0, below=1)
    """Share of the activations that is dropped in training (0..1)."""

    max_frames: int = option(512, low=4, high=100_000)
    """Frames of a clip; a longer one is thinned evenly, so that its end stays."""
    batch_frames: int = option(low=4)
    """Frames of a batch, padding included; ignored by methods that see no video."""
    batch_size: int = option(low=1)
    """Samples of a batch, at most."""
    time_scale: float = option(0.2, low=0, below=1)
    """Augmentation: clips are made faster or slower by up to this share (0..1)."""
    frame_drop: float = option(0.1, low=0, below=1)
    """Augmentation: probability that a frame is left out (0..1)."""
    feature_noise: float = option(0.1, low=0)
    """Augmentation: deviation of the noise, in standard deviations of each number over train."""
    workers: int = option(0, low=0, high=256)
    """Processes that prepare batches; 0: the training process itself."""

    learning_rate: float = option(low=0)
    """The highest, after the warm-up (AdamW)."""
    weight_decay: float = option(0.01, low=0)
    """Of AdamW; not on biases and norms."""
    warmup: float = option(0.05, low=0, below=1)
    """Share of all steps in which the learning rate rises (0..1); then it falls as a cosine."""
    epochs: int = option(low=1)
    """Passes over train, at most."""
    patience: int = option(low=0)
    """Epochs without a better dev BLEU-4 until training ends; 0: never."""
    grad_accumulation: int = option(1, low=1)
    """Batches a step of the optimiser."""
    clip_norm: float = option(1.0, low=0)
    """Norm to which gradients are clipped; 0: not at all."""
    label_smoothing: float = option(0.2, low=0, below=1)
    """Of the translation's cross-entropy (0..1)."""
    ema: float = option(0.0, low=0, below=1)
    """Decay a step of the averaged weights that are evaluated; 0: the weights themselves."""
    eval_every: int = option(1, low=1)
    """Epochs between evaluations on dev."""
    save_steps: int = option(0, low=0)
    """Steps between checkpoints, beside that of each epoch; 0: none."""
    precision: str = option("auto", choices=("auto", "fp32", "bf16"))
    """auto: bf16 on a GPU, fp32 on a CPU."""
    device: str = option("auto", choices=("auto", "cpu", "cuda"))
    """auto: a GPU where there is one."""
    tensorboard: bool = True
    """Write TensorBoard logs into the run's folder."""

    beams: int = option(5, low=1, high=64)
    """Width of the beam search at test."""
    eval_beams: int = option(1, low=1, high=64)
    """Width on dev; 1: greedy."""
    length_penalty: float = option(1.0, low=-10, high=10)
    """Exponent of the length by which a hypothesis' log-probability is divided."""
    no_repeat_ngram: int = option(0, low=0)
    """No n-gram of pieces of this size twice in a translation; 0: allowed."""
    max_length: int = option(100, low=2, high=1024)
    """Pieces of a translation, at most."""

    @property
    def frame_budget(self) -> int:
        """Frames of a batch, padding included."""
        return self.batch_frames if self.frames_root is None else self.backbone_frames

    @property
    def _budget(self) -> str:
        """The option that the budget is, with its value, for messages."""
        name = "batch_frames" if self.frames_root is None else "backbone_frames"
        return f"{name}={self.frame_budget}"

    def _video_problems(self) -> Iterator[QbsltError]:
        if self.features and self.frames_root:
            yield QbsltError(
                "features and frames_root are both given: a model reads features, or pictures "
                "through a backbone.", cure="Leave one of them away.",
            )  # fmt: skip
        if self.sees_video and not (self.features or self.frames_root):
            yield QbsltError(
                f"the model {self.method} needs a store of sign features.",
                cure="Pass features=STORE; `qa-builder features DATASET --extractor ... --out "
                "STORE` makes one. Or pass frames_root=CORPUS to train an image backbone, too.",
            )  # fmt: skip
        if self.frames_root and not self.backbone:
            yield QbsltError("frames_root needs a backbone.",
                             cure="Pass backbone=microsoft/resnet-18.")  # fmt: skip
        if self.sign_encoder and self.frames_root:
            yield QbsltError("sign_encoder needs features, not frames_root: a backbone's sign "
                             "encoder means nothing without it.",
                             cure="Leave one of them away.")  # fmt: skip
        for name in ("features", "frames_root", "sign_encoder"):
            if not self.sees_video and getattr(self, name):
                yield QbsltError(f"the model {self.method} sees no video.",
                                 cure=f"Leave the option {name} away.")  # fmt: skip
        if self.sees_video and self.frame_budget < self.max_frames:
            yield QbsltError(
                f"{self._budget} is less than max_frames={self.max_frames}: a "
                "long clip fits into no batch.", cure="Raise the one or lower the other.",
            )  # fmt: skip

    def problems(self) -> Iterator[QbsltError]:
        """What is wrong between fields that are right each by itself."""
        yield from self._video_problems()
        if self.d_model % self.heads:
            yield QbsltError(
                f"d_model={self.d_model} can't be divided by heads={self.heads}.",
                cure="Take a multiple.",
            )
        if self.pretrained and self.vocabulary:
            yield QbsltError(
                "pretrained and vocabulary are both given, but a checkpoint has its own "
                "vocabulary.", cure="Leave one of them away.",
            )  # fmt: skip
        if self.preset == "paper" and not self.pretrained:
            yield QbsltError(
                "the preset paper starts from an mBART checkpoint: the option pretrained is "
                "missing.", cure="`qbslt-bench prepare-vocabulary --checkpoint "
                "facebook/mbart-large-cc25 --out FOLDER` makes one; then pass pretrained=FOLDER.",
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GlossFreeConfig(Config):
    """Video to sentence, without assistance."""

    method: ClassVar[str] = "gloss-free"


@dataclass(frozen=True, kw_only=True)
class AssistedConfig(Config):
    """What SSL-SSAW and its gloss-assisted twin share; each part can be switched off."""

    ssaw: bool = True
    """Sigmoid self-attention weighting before the fusion; false: plain concatenation."""
    ssaw_weights: str = option("share", choices=SSAW_WEIGHTS)
    """What SSAW's weight of a position does. share: it is its share of the attention that is paid
    to the fused sequence, in the fusion encoder and by the decoder (ours). scale: its state is
    scaled before the fusion encoder. scale-behind: behind it, too."""
    contrast_weight: float = option(1.0, low=0)
    """Weight of the InfoNCE loss between sign and assistance; 0: off."""
    temperature: float = option(0.07, low=1e-4)
    """Of the InfoNCE loss: where the learned temperature starts."""
    mlm_weight: float = option(1.0, low=0)
    """Weight of the masked language modelling loss on the assistance; 0: off."""
    mlm_probability: float = option(0.15, low=0, below=1)
    """Share of the pieces that is masked (0..1)."""
    assist_dropout: float = option(0.0, low=0, below=1)
    """Share (0..1) of the train samples whose question or glosses are hidden, others in each epoch,
    so that their video has to be read. Ours; 0: off."""

    def weighted(self) -> str | None:
        """What SSAW's weights do; None without SSAW."""
        return self.ssaw_weights if self.ssaw else None

    def problems(self) -> Iterator[QbsltError]:
        """Those of all methods, and what a contrastive loss needs."""
        yield from super().problems()
        if self.contrast_weight and self.batch_size < 2:
            yield QbsltError(
                "batch_size=1 leaves the contrastive loss without negatives.",
                cure="Take batch_size=2 or more, or contrast_weight=0.",
            )
        elif self.contrast_weight and self.frame_budget < 2 * self.max_frames:
            yield QbsltError(
                f"{self._budget} holds only one clip of max_frames={self.max_frames}, which leaves "
                "the contrastive loss without negatives.",
                cure="Take twice max_frames or more, or a smaller max_frames.",
            )


@dataclass(frozen=True, kw_only=True)
class GlossAssistedConfig(AssistedConfig):
    """Glosses in the question's place."""

    method: ClassVar[str] = "gloss-assisted"

    gloss: str = option("oracle", choices=("oracle", "ctc"))
    """oracle: the corpus's glosses, at test too; ctc: those that a CTC head reads at test."""
    ctc_weight: float = option(1.0, low=0)
    """Weight of the CTC loss, with gloss=ctc."""
    ctc_beams: int = option(8, low=1, high=256)
    """Width of the CTC beam search; 1: best path."""

    def problems(self) -> Iterator[QbsltError]:
        """Those of assisted methods, and a CTC head that would never be trained."""
        yield from super().problems()
        if self.gloss == "ctc" and not self.ctc_weight:
            yield QbsltError("gloss=ctc with ctc_weight=0 would never learn to read glosses.",
                             cure="Take a weight above 0.")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SslSsawConfig(AssistedConfig):
    """SSL-SSAW (arXiv 2509.14036) as described; details ours."""

    method: ClassVar[str] = "ssl-ssaw"

    question: str = option("own", choices=("own", "none"))
    """own: the sample's question; none: an empty one, the ablation."""
    control: str = option("none", choices=("none", "question-only", "wrong-question"))
    """question-only: sign features are 0 at train and test; wrong-question: others' at test."""

    def problems(self) -> Iterator[QbsltError]:
        """Those of assisted methods, and a control of a question that is not there."""
        yield from super().problems()
        if self.question == "none" and self.control != "none":
            yield QbsltError(f"control={self.control} needs the questions that question=none "
                             "takes away.", cure="Take question=own.")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GlossToTextConfig(Config):
    """Glosses to sentence, without video."""

    method: ClassVar[str] = "gloss-to-text"
    sees_video: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class ClSltConfig(Config):
    """CL-SLT: contrast of videos and sentences in random batches, then fine-tuning."""

    method: ClassVar[str] = "cl-slt"

    question: str = option("none", choices=("none", "ssaw"))
    """ssaw: the sample's question is fused with the video as in SSL-SSAW; none: video alone."""
    aggregation: str = option("cico", choices=("cico", "mean", "cls"))
    """How the tokens of a video and a sentence are compared."""
    equal_texts: str = option("apart", choices=("apart", "positives"))
    """Rows with the same sentence: apart: never in one batch; positives: wanted like one's own."""
    contrast_weight: float = option(1.0, low=0)
    """Weight of the contrast beside the translation loss; 0: off."""
    temperature: float = option(0.07, low=0.01)
    """Where the learned temperature of the contrast starts."""
    freeze_text: bool = True
    """The text encoder stays as it is in the contrastive stages."""
    lora_rank: int = option(0, low=0, high=1024)
    """Rank of LoRA adapters on fusion encoder and decoder; 0: all weights are trained."""
    contrast_epochs: int = option(low=1)
    """Epochs of the stage with contrast and translation; `epochs` are those of fine-tuning."""
    contrast_batch_size: int = option(low=1)
    """Samples of a batch in contrastive stages, whatever their frames: each has the others as
    negatives."""
    finetune: bool = True
    """Translation alone after the stage with contrast; false: the run ends there."""

    def problems(self) -> Iterator[QbsltError]:
        """Those of all methods; batches without negatives, adapters of random weights."""
        yield from super().problems()
        if self.contrast_batch_size < 2:
            yield QbsltError("contrast_batch_size=1 leaves the contrast without negatives.",
                             cure="Take 2 or more.")  # fmt: skip
        if self.lora_rank and not self.pretrained:
            yield QbsltError(
                f"lora_rank={self.lora_rank} without pretrained would freeze random weights.",
                cure="Pass pretrained=FOLDER, or lora_rank=0.",
            )


@dataclass(frozen=True, kw_only=True)
class SclSltConfig(ClSltConfig):
    """SCL-SLT (arXiv 2604.22374): as CL-SLT, in batches that pair selection makes."""

    method: ClassVar[str] = "scl-slt"

    schedule: str = option("log", choices=SCHEDULES)
    """How the negatives' quantile grows from easy (0) to hard (1) over the epochs; random: as
    cl-slt."""
    reference_epochs: int = option(low=2)
    """Epochs of the reference model, whose similarities score the pairs."""
    reference_every: int = option(low=1)
    """Epochs between its checkpoints that are kept; the last minus the first are the scores."""
    reference: str | None = None
    """Folder of a run of scl-slt with the same reference model: its scores are taken."""

    def problems(self) -> Iterator[QbsltError]:
        """Those of CL-SLT, and a single checkpoint of the reference model."""
        yield from super().problems()
        if self.reference_every >= self.reference_epochs:
            yield QbsltError(
                f"reference_every={self.reference_every} keeps one checkpoint of "
                f"reference_epochs={self.reference_epochs}: no similarity would change.",
                cure="Take a smaller reference_every.",
            )


METHODS: dict[str, type[Config]] = {
    c.method: c
    for c in (GlossFreeConfig, GlossAssistedConfig, SslSsawConfig, GlossToTextConfig, ClSltConfig,
              SclSltConfig)
}  # fmt: skip

C = TypeVar("C", bound=Config)


def configure(cls: type[C], options: Mapping[str, Any]) -> C:
    """The configuration of a method; see `resolve`."""
    return cls(**resolve(cls, options))
