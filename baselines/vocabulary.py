"""Pieces of words and their numbers: learned from train, or those of an mBART checkpoint.

A vocabulary is a folder: tokenizer.json (of the tokenizers library), tokenizer_config.json, with
which transformers reads it too, and vocabulary.json (ours: its kind and language code). Text ->
numbers -> text gives back the text, whatever it is: characters that train has not are spelled in
bytes. A text's own word-boundary sign U+2581 alone would come back as a blank. (Ours.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError

BOS, PAD, EOS, UNK, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
SPECIAL = (BOS, PAD, EOS, UNK, MASK)  # the first four have mBART's numbers 0..3
BYTES = tuple(f"<0x{i:02X}>" for i in range(256))
TOKENIZER, ABOUT = "tokenizer.json", "vocabulary.json"
BOUNDARY = "\u2581"  # stands for a blank, and at the start of a text
LEARNED, MBART, MBART50 = (
    "learned",
    "mbart",
    "mbart50",
)  # kinds: they differ in their special tokens
_MAKE = "`qbslt-bench prepare-vocabulary` makes one."


class Vocabulary:
    """Pieces by number.

    Encoded texts, sources and targets alike, look as their kind of model wants them:
    learned `pieces </s>`, mbart `pieces </s> code`, mbart50 `code pieces </s>`. Labels of a decoder
    are just those; its inputs are the labels with their last token moved to the front, which is
    what transformers' MBart classes do by themselves where they are given `labels` (with the value
    -100 in place of padding).
    """

    def __init__(self, tokenizer: Tokenizer, kind: str = LEARNED, code: str | None = None) -> None:
        self.tokenizer, self.kind, self.code = tokenizer, kind, code
        tokenizer.encode_special_tokens = True  # a text that says "</s>" means just that
        pieces = tokenizer.get_vocab()
        self.bos_id, self.pad_id, self.eos_id, self.unk_id, self.mask_id = (
            pieces[t] for t in SPECIAL
        )
        code_id = None if code is None else pieces[code]
        self._before = [code_id] if kind == MBART50 and code_id is not None else []
        self._after = [self.eos_id]
        if kind == MBART and code_id is not None:
            self._after.append(code_id)
        self.decoder_start_id: int = self._after[-1]
        """For `generate(decoder_start_token_id=...)`."""
        self.forced_bos_id: int | None = code_id if kind == MBART50 else None
        """For `generate(forced_bos_token_id=...)`."""
        self.special_ids: frozenset[int] = frozenset(
            i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special
        )
        """Numbers that stand for no text: never masked, never shown."""

    def __len__(self) -> int:
        return self.tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text's pieces, with the special tokens of this kind."""
        found = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [[*self._before, *e.ids, *self._after] for e in found]

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Rows of numbers as LongTensor [rows, longest], and their mask (True: is there)."""
        longest = max(map(len, rows), default=0)
        ids = torch.full((len(rows), longest), self.pad_id, dtype=torch.long)
        mask = torch.zeros((len(rows), longest), dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = True
        return ids, mask

    def encode_batch(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Texts as LongTensor [batch, length] and BoolTensor [batch, length] (True: is there)."""
        return self.pad(self.encode(texts))

    def decode(self, ids: Tensor | Sequence[Sequence[int]]) -> list[str]:
        """The texts of rows of numbers [batch, length], as `generate` gives them.

        Special tokens are left out, and what stands after the end of a sentence.
        """
        rows = ids.tolist() if isinstance(ids, Tensor) else ids
        return self.tokenizer.decode_batch([self._text_of(row) for row in rows])

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each number's piece, for people: a word's first piece starts with a blank."""
        tokens = [self.tokenizer.id_to_token(i) or UNK for i in ids]
        return [t.replace(BOUNDARY, " ") for t in tokens]

    def _text_of(self, row: Sequence[int]) -> list[int]:
        start = 1 if row and row[0] == self.decoder_start_id else 0  # the end too, for some kinds
        kept = list(row[start:])
        if self.eos_id in kept:
            kept = kept[: kept.index(self.eos_id)]
        return [i for i in kept if i not in self.special_ids]

    def save(self, folder: Path) -> None:
        """Write it into an existing folder, as transformers' PreTrainedTokenizerFast too."""
        about = {"kind": self.kind, "code": self.code, "pieces": len(self)}
        names = {"bos_token": BOS, "pad_token": PAD, "eos_token": EOS, "unk_token": UNK,
                 "mask_token": MASK, "tokenizer_class": "PreTrainedTokenizerFast",
                 "clean_up_tokenization_spaces": False}  # fmt: skip
        self.tokenizer.save(str(folder / TOKENIZER))
        _write_json(folder / "tokenizer_config.json", names)
        _write_json(folder / ABOUT, about)


def load(folder: str | Path) -> Vocabulary:
    """The vocabulary in a folder; raises QbsltError where there is none."""
    path = Path(folder)
    try:
        about = json.loads((path / ABOUT).read_text("utf-8"))
        tokenizer = Tokenizer.from_str((path / TOKENIZER).read_text("utf-8"))
        lacking = [t for t in SPECIAL if tokenizer.token_to_id(t) is None]
        kind, code = about["kind"], about["code"]
    except FileNotFoundError as e:
        raise QbsltError(f"holds no prepared vocabulary (no {Path(e.filename).name}).", file=path,
                         cure=_MAKE) from None  # fmt: skip
    except Exception as e:  # the tokenizers library raises bare Exceptions
        raise QbsltError(f"is no prepared vocabulary ({type(e).__name__}: {e}).", file=path,
                         cure=_MAKE) from None  # fmt: skip
    if lacking:
        raise QbsltError(f"its tokenizer lacks {', '.join(lacking)}.", file=path, cure=_MAKE)
    return Vocabulary(tokenizer, kind, code)


def learn(texts: Iterable[str], size: int, out: str | Path | None = None) -> Vocabulary:
    """Learn byte-pair pieces (Sennrich et al., ACL 2016) and save them in the folder `out`.

    `size` counts all pieces, with the special ones and the 256 bytes. All characters of the texts
    are pieces, even where that makes more. The same texts give the same bytes. Raises QbsltError
    where there is no text.
    """
    corpus = [t for t in texts if t]
    if not corpus:
        raise QbsltError("there is no text to learn a vocabulary from.",
                         cure="Take a dataset whose train split has sentences.")  # fmt: skip
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.normalizer = boundary_normalizer()
    tokenizer.pre_tokenizer = word_splitter()
    trainer = trainers.BpeTrainer(
        vocab_size=max(size - len(BYTES), 1), special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=[BOUNDARY],
    )  # fmt: skip
    tokenizer.train_from_iterator(corpus, trainer)
    core = json.loads(tokenizer.to_str())
    pieces = core["model"]["vocab"]
    core["model"]["vocab"] = pieces | {b: len(pieces) + i for i, b in enumerate(BYTES)}
    core["model"]["byte_fallback"] = True
    tokenizer = Tokenizer.from_str(json.dumps(core))
    tokenizer.decoder = exact_decoder()
    vocabulary = Vocabulary(tokenizer)
    if out is not None:
        with new_folder(Path(out)) as folder:
            vocabulary.save(folder)
    return vocabulary


def boundary_normalizer() -> normalizers.Normalizer:
    """Blanks as U+2581, and one more before the text; nothing else is touched.

    The usual ones (NFKC, blanks squeezed) lose full-width punctuation and double blanks.
    """
    return normalizers.Sequence([normalizers.Prepend(BOUNDARY), normalizers.Replace(" ", BOUNDARY)])


def word_splitter() -> pre_tokenizers.PreTokenizer:
    """Words, each with the blank before it, and signs of punctuation by themselves."""
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(BOUNDARY, "merged_with_next"), pre_tokenizers.Punctuation("isolated"),
    ])  # fmt: skip


def exact_decoder() -> decoders.Decoder:
    """The inverse of `boundary_normalizer`, with bytes put together to characters."""
    return decoders.Sequence([
        decoders.ByteFallback(), decoders.Replace(BOUNDARY, " "), decoders.Fuse(),
        decoders.Strip(" ", 1, 0),
    ])  # fmt: skip


class GlossVocabulary:
    """The glosses that a CTC head knows: number 0 is the blank, the others are train's by name."""

    BLANK = 0

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._numbers = {name: i for i, name in enumerate(self.names, start=1)}

    @classmethod
    def learn(cls, glosses: Iterable[str]) -> GlossVocabulary:
        """The distinct glosses of some sequences, sorted."""
        return cls(sorted({name for text in glosses for name in text.split()}))

    def __len__(self) -> int:
        """How many classes a head has, the blank among them."""
        return len(self.names) + 1

    def encode(self, gloss: str) -> list[int]:
        """Numbers of a sequence; glosses that train has not are left out: no head can give them."""
        return [self._numbers[name] for name in gloss.split() if name in self._numbers]

    def decode(self, ids: Iterable[int]) -> str:
        """The sequence of numbers without blanks."""
        return " ".join(self.names[i - 1] for i in ids if i != self.BLANK)

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        _write_json(file, list(self.names))

    @classmethod
    def load(cls, file: Path) -> GlossVocabulary:
        """Read it; raises QbsltError where there is none."""
        try:
            return cls(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError) as e:
            raise QbsltError(f"no list of glosses can be read here ({e}).", file=file) from None


def _write_json(file: Path, content: Any) -> None:
    from qa_builder.atomic import replace_text

    replace_text(file, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
