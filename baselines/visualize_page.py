"""What a page of explanations shows of each sample, ready for its template. (Ours.)"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.explaining import END, INSIDE, Floats, Seen, Span
from benchmarks.conventions import WITHOUT_BLANKS
from qa_builder.features.show import data_uri
from qa_builder.stats_page import render_page

if TYPE_CHECKING:
    from baselines.clip_pictures import ClipPictures
    from baselines.marks import Marked

ABOVE = 0.03  # the median of its side: a weight that is less so is not called high
LIKE = 0.01  # weights that differ by less are marked alike
_SHADES = 0.1  # differences of weights that are shown in all shades, at least
_HIGH = 0.1  # share of the positions of a side that are marked as its highest
_PEAKS = 3  # moments that are shown as larger pictures
_BLUE = (63, 135, 214)  # seen on light and on dark
_TICKS = 8  # on the axis of time, at most


def make_page(about: dict[str, Any], samples: Sequence[dict[str, Any]]) -> str:
    """The page: `about` the run, and the samples as `sample_values` gives them."""
    template = Path(__file__).with_name("visualize.html.jinja")
    return render_page(template, about=about, samples=samples, above=ABOVE, like=LIKE,
                       data=[sample["data"] for sample in samples])  # fmt: skip


def sample_values(
    seen: Seen, marked: Marked | None, texts: dict[str, Any], rate: Fraction | None,
    draw: Callable[[Sequence[int]], ClipPictures] | None,
) -> dict[str, Any]:  # fmt: skip
    """One sample for the template.

    `texts` has what is written about it; `rate` are frames a second; `draw` gives the clip's
    pictures and those of some frames, None where there are none.
    """
    signs = len(seen.attention[0]) - len(seen.source_pieces)
    weights = seen.weights
    timeline = _timeline(seen, rate, draw)
    return {
        **texts, "id": seen.sample_id, "marked": marked, "hypothesis": seen.hypothesis,
        "timeline": timeline,
        "words": [] if weights is None else _words(seen, signs, weights, texts["language"]),
        "attention": _attention(seen, signs, rate, texts["language"]),
        "data": _data(seen, signs, rate),
    }  # fmt: skip


def _timeline(
    seen: Seen, rate: Fraction | None, draw: Callable[[Sequence[int]], ClipPictures] | None
) -> dict[str, Any] | None:
    """Pictures and weights over the frames; None for a translation that no video was used for."""
    if not seen.spans:
        return None
    n = seen.spans[-1][1]
    weights = None if seen.weights is None else seen.weights[: len(seen.spans)]
    peaks = [] if weights is None else _peaks(weights)
    middles = [sum(seen.spans[i]) // 2 for i in peaks]
    drawn = None if draw is None else draw(middles)
    return {
        "n": n, "ticks": _ticks(n, rate), "range": _range(weights),
        "bars": [] if weights is None or seen.weights is None else
            _bars(seen.spans, weights, _shades(seen.weights), rate),
        "strip": drawn.strip if drawn else [], "heat": drawn.heat if drawn else None,
        "note": drawn.note if drawn else "",
        "peaks": [
            {"image": drawn.named[frame], "when": when(seen.spans[i], rate),
             "weight": float(weights[i])}
            for i, frame in zip(peaks, middles, strict=True) if frame in drawn.named
        ] if drawn and weights is not None else [],
    }  # fmt: skip


def _range(weights: Floats | None) -> str:
    """The lowest and the highest weight."""
    return "" if weights is None else f"{weights.min():.3f} to {weights.max():.3f}"


def when(span: Span, rate: Fraction | None) -> str:
    """The frames of a position for people, counted from 1, with its time."""
    first, last = span[0] + 1, span[1]
    what = f"frame {first}" if first == last else f"frames {first}–{last}"
    return what if rate is None else f"{what}, {float(span[0] / rate):.2f} s"


def _bars(
    spans: Sequence[Span], weights: Floats, shades: Floats, rate: Fraction | None
) -> list[dict[str, Any]]:
    tops = _top(weights)
    return [
        {"x": a, "width": b - a, "weight": float(w), "shade": float(s), "top": i in tops,
         "title": f"{when((a, b), rate)}: weight {w:.3f}"}
        for i, ((a, b), w, s) in enumerate(zip(spans, weights, shades, strict=False))
    ]  # fmt: skip


def _shades(weights: Floats) -> Floats:
    """Weights between the sample's lowest (0) and highest (1); small differences stay pale."""
    low, high = weights.min(), weights.max()
    found: Floats = (weights - low) / max(high - low, _SHADES)
    return found


def _top(weights: Floats) -> set[int]:
    """The positions with the highest tenth of the weights, or about as high, that stand out."""
    least = np.sort(weights)[-max(1, round(_HIGH * len(weights)))] - LIKE
    return set(np.flatnonzero(weights >= max(least, np.median(weights) + ABOVE)).tolist())


def _peaks(weights: Floats) -> list[int]:
    """The positions with the highest weights that stand out, none beside another, in time."""
    found: list[int] = []
    for i in np.argsort(-weights, kind="stable").tolist():
        stands_out = weights[i] >= np.median(weights) + ABOVE
        if stands_out and len(found) < _PEAKS and all(abs(i - other) > 2 for other in found):
            found.append(i)
    return sorted(found)


def _words(seen: Seen, signs: int, weights: Floats, language: str) -> list[list[dict[str, Any]]]:
    """The pieces of the question with their weights, those of a word together."""
    words: list[list[dict[str, Any]]] = []
    if not seen.source_pieces:
        return words
    own, shades = weights[signs:], _shades(weights)[signs:]
    tops = _top(own)
    for i, (piece, w, s) in enumerate(zip(seen.source_pieces, own, shades, strict=True)):
        alone = piece.startswith(" ") or piece == END or language in WITHOUT_BLANKS
        if not words or (alone and piece != INSIDE):
            words.append([])
        words[-1].append({"piece": piece.strip() or "␣", "weight": float(w), "shade": float(s),
                          "top": i in tops})  # fmt: skip
    return words


def _attention(seen: Seen, signs: int, rate: Fraction | None, language: str) -> dict[str, Any]:
    """Cross-attention as two pictures, of signs and of pieces; the darkest is its highest value."""
    highest = float(seen.attention.max())
    alpha = np.round(255 * np.sqrt(seen.attention / max(highest, 1e-9))).astype(np.uint8)
    image = np.zeros((*alpha.shape, 4), np.uint8)
    image[..., :3], image[..., 3] = _BLUE, alpha
    parts = [image[:, :signs], image[:, signs:]]
    rows = [
        {"piece": _shown(piece, language), "share": float(row[signs:].sum()),
         "title": _strongest(seen, row, signs, rate)}
        for piece, row in zip(seen.pieces, seen.attention, strict=True)
    ]  # fmt: skip
    return {
        "rows": rows, "highest": highest, "signs": signs,
        "images": [data_uri(part, "png") if part.size else None for part in parts],
        "columns": [_shown(piece, language) for piece in seen.source_pieces],
        "share": float(np.mean([row["share"] for row in rows])),
    }  # fmt: skip


def _shown(piece: str, language: str) -> str:
    """A piece as a label: one that goes on with a word has a hyphen before it."""
    if piece.startswith(" ") or piece == END:
        return piece.strip() or "␣"
    return f"-{piece}" if piece[:1].isalnum() and language not in WITHOUT_BLANKS else piece


def _strongest(seen: Seen, row: Floats, signs: int, rate: Fraction | None) -> str:
    """Where a piece looked most, in words."""
    names = [when(span, rate) for span in seen.spans] or ["no video"] * signs
    names += [f"“{piece.strip()}”" for piece in seen.source_pieces]
    best = np.argsort(-row, kind="stable")[:3].tolist()
    return "most: " + "; ".join(f"{names[i]} {row[i]:.3f}" for i in best)


def _ticks(n: int, rate: Fraction | None) -> list[tuple[float, str]]:
    """Places on the axis of time (percent) and what stands there: seconds, or frames."""
    length = float(n / rate) if rate else float(n)
    step = next(s * 10.0**e for e in range(-2, 9) for s in (1, 2, 5)
                if length / (s * 10.0**e) <= _TICKS and (rate or s * 10.0**e >= 1))  # fmt: skip
    unit = " s" if rate else ""
    marks = [k * step for k in range(int(length / step) + 1)]
    return [(100 * m / length, f"{m:g}{unit}") for m in marks]


def _data(seen: Seen, signs: int, rate: Fraction | None) -> dict[str, Any]:
    """The numbers behind the pictures, for the page's script and for whoever wants them."""
    names = [when(span, rate) for span in seen.spans] or ["the hidden video"] * signs
    return {
        "sample_id": seen.sample_id, "signs": signs, "frames": seen.spans, "pieces": seen.pieces,
        "source_pieces": seen.source_pieces, "when": names,
        "weights": None if seen.weights is None else [round(float(w), 4) for w in seen.weights],
        "attention": [[round(float(v), 4) for v in row] for row in seen.attention],
    }  # fmt: skip
