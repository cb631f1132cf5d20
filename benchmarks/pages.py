"""HTML pages that need no server and nothing from another host: what boards and reports share.

Everything that is shown is escaped. A page's own script is named in its content security policy by
its hash, so that no other could run even if some text slipped through unescaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.show import metric_name

TEMPLATES = Path(__file__).with_name("templates")

STRATA = {
    "leakage": "leakage of the question",
    "seen": "reference seen in train",
    "kind": "kind of question",
    "length": "length of the reference",
    "signer": "signer",
    "frequency": "frequency in train",
}


def renderer() -> Callable[..., str]:
    """A function (template, **values) that renders a file of `templates/`, escaping all values.

    A value that a template names and that is not given is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {
        "score": score, "signed": signed, "p": p_value, "metric": metric_name, "count": count,
        "link": web_address,
    }  # fmt: skip
    script = (TEMPLATES / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    shared = {"script": Markup(script), "script_hash": digest}  # noqa: S704  our own file
    return lambda template, **values: environment.get_template(template).render(**shared, **values)


def score(value: float | None, digits: int = 2) -> str:
    """A score in percent as it is printed; a dash for none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 2) -> str:
    """A difference, with its sign; a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:+.{digits}f}".replace("-", "−")


def p_value(value: float | None) -> str:
    """A p-value as it is printed."""
    if value is None or math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int) -> str:
    """A number of things, in groups of three digits."""
    return f"{value:,}"


def web_address(text: str) -> str:
    """The text if it can be followed as a link (http or https), else an empty string."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def slug(name: str) -> str:
    """A file name for a name: lower-case ASCII letters, digits and hyphens, 60 at most."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "system"


def different(names: Iterable[str]) -> list[str]:
    """The names, with a number at the end of those that stood before."""
    given: list[str] = []
    for name in names:
        other, k = name, 1
        while other in given:
            k += 1
            other = f"{name}-{k}"
        given.append(other)
    return given
