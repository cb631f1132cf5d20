"""SSL-SSAW (arXiv 2509.14036) as its abstract describes it; the details are ours.

InfoNCE between sign and question, sigmoid weighting of both sequences, masked language modelling on
the question from the fused sequence, translation. Its controls: `question-only` hides the video at
train and test, `wrong-question` is trained as usual and asked others' questions at test.
"""

from __future__ import annotations

from typing import Any

from baselines.config import SslSsawConfig
from baselines.graph import Graph

ABLATIONS: dict[str, dict[str, Any]] = {
    "no SSAW": {"ssaw": False},
    "no contrast": {"contrast_weight": 0.0},
    "no MLM": {"mlm_weight": 0.0},
    "no question": {"question": "none"},
}


def graph(config: SslSsawConfig) -> Graph:
    """All parts, or those that the config leaves on."""
    if config.question == "none":
        return Graph(track="video", ssaw=config.weighted())
    alone = config.control == "question-only"
    return Graph(
        track="video+question" if config.control == "none" else "control",
        assist="question", ssaw=config.weighted(), temperature=config.temperature,
        contrast=0.0 if alone else config.contrast_weight,  # one zero frame is like any other
        mlm=config.mlm_weight, mlm_probability=config.mlm_probability,
        hide_sign=alone, wrong_question=config.control == "wrong-question",
    )  # fmt: skip
