"""A model with all its parts, and without one each. (Ours.)

A model's factory tells its parts in `ablations`: {name: the options that switch it off}.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.models import installed_models, make_model
from benchmarks.study import System
from qa_builder.errors import QbsltError


def ablated(
    model: str, options: Mapping[str, Any], data: Path | None, at: str = ""
) -> list[System]:
    """The systems of an ablation; `at` ends their labels.

    Raises QbsltError for an unknown model or option, for a model without parts, and for options
    that switch one off in all systems.
    """
    make_model(model, options)
    parts = getattr(installed_models()[model].load(), "ablations", {})
    if not parts:
        raise QbsltError(f"the model {model} names no parts that can be switched off.",
                         cure="Leave --ablate away.")  # fmt: skip
    gone = [name for name, off in parts.items() if off.items() <= options.items()]
    if gone:
        raise QbsltError(f"the options leave nothing to ablate in: {', '.join(gone)}.",
                         cure="Leave those that switch a part off away.")  # fmt: skip
    found = [System(label=f"{model}{at}", model=model, options=options, data=data)]
    for name, off in parts.items():
        found.append(System(label=f"{model}, {name}{at}", model=model,
                            options={**options, **off}, data=data))  # fmt: skip
    return found
