"""The audit's own plot: how relevant questions are, against how much they give away."""

from __future__ import annotations

from collections.abc import Sequence

from qa_builder.audit.run import QuestionFigures
from qa_builder.stats_plots import INK, SPLIT_COLOURS, drawing, svg_of

_POINTS = 400  # shown of a split, so that the page stays small
_JITTER = 0.012  # recall takes few values; points of one value are spread by a fixed pattern


def relevance_plot(each: Sequence[QuestionFigures]) -> str:
    """Bits above shuffled against content recall; the large marks are the means of the splits."""
    measured = [q for q in each if q.above is not None]
    if not measured:
        return ""
    with drawing(4.2, width=7.6) as (figure, axes):
        for split in dict.fromkeys(q.split for q in measured):
            rows = [q for q in measured if q.split == split]
            shown = rows[:: -(-len(rows) // _POINTS)]
            x = [q.leakage + _JITTER * ((i * 7) % 5 - 2) / 2 for i, q in enumerate(shown)]
            colour = SPLIT_COLOURS[split]
            axes.scatter(x, [q.above or 0 for q in shown], s=9, color=colour, alpha=0.45,
                         linewidths=0)  # fmt: skip
            axes.scatter([sum(q.leakage for q in rows) / len(rows)],
                         [sum(q.above or 0 for q in rows) / len(rows)], s=130, color=colour,
                         edgecolors=INK, linewidths=1.2, label=split, zorder=3)  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xlim(-0.03, 1.03)
        bits = sorted(q.above or 0 for q in measured)  # a few odd ones would flatten the rest
        axes.set_ylim(bits[len(bits) // 500] - 0.2, bits[-1 - len(bits) // 100] + 0.2)
        axes.set_xlabel("content recall: how much is given away")
        axes.set_ylabel("bits a token above a shuffled question")
        axes.legend(loc="upper left")
        return svg_of(figure, "relevance")
