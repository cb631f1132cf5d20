"""The shape of the house: who imports whom, what is heavy, how long files and functions may get."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("qa_builder", "benchmarks", "baselines")
MAY_IMPORT = {"qa_builder": set(), "benchmarks": {"qa_builder"}, "baselines": {"qa_builder", "benchmarks"}}  # fmt: skip  # noqa: E501
# All of the builder that the benchmark may lean on: the vocabulary, and what both commands share.
SHARED_WITH_BENCHMARKS = {
    "samples", "dataset", "errors", "console", "atomic", "text", "function_words",
}  # fmt: skip
HEAVY = ("torch", "transformers", "datasets", "pandas", "spacy", "mediapipe", "cv2", "matplotlib")
CLIS = ("qa_builder.cli", "benchmarks.cli")
MAX_LINES, MAX_FUNCTION = 400, 60


def modules() -> dict[str, Path]:
    """Every module of the rooms by its dotted name."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


MODULES = modules()


def imports(tree: ast.AST, everywhere: bool) -> Iterator[str]:
    """Names that a module imports: at its top, or everywhere (type checking apart)."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else node.module
        elif everywhere or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from imports(node, everywhere)


def parsed(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 30
    assert set(imports(ast.parse("import a\ndef f():\n  import b"), everywhere=False)) == {"a"}


def test_no_import_cycle() -> None:
    graph = {m: {i for i in imports(parsed(m), False) if i in MODULES and i != m} for m in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"import cycle: {' -> '.join((*path, module))}"
        if module not in done:
            for other in sorted(graph[module]):
                visit(other, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("name", MODULES)
def test_import_direction(name: str) -> None:
    room = name.split(".", maxsplit=1)[0]
    for other in imports(parsed(name), everywhere=True):
        other_room = other.split(".")[0]
        if other_room in ROOMS and other_room != room:
            assert other_room in MAY_IMPORT[room], f"{name} imports {other}"
    if room == "benchmarks" and not name.startswith("benchmarks.speed"):
        for other in imports(parsed(name), everywhere=False):
            if other.startswith("qa_builder."):
                assert other.split(".")[1] in SHARED_WITH_BENCHMARKS, f"{name} imports {other}"


@pytest.mark.parametrize("cli", CLIS)
def test_nothing_heavy_on_the_way_to_help(cli: str) -> None:
    code = (
        f"import sys; from {cli} import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded', [m for m in {(*HEAVY, 'pyarrow', 'numpy')!r} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.rstrip().endswith("loaded []"), result.stdout + result.stderr


@pytest.mark.parametrize("cli", CLIS)
def test_help_starts_fast(cli: str) -> None:
    """Against click alone, in turn: a slow machine is slow for both."""
    ours, least = [], []
    for _ in range(5):
        for words, times in ((["-m", cli, "--help"], ours), (["-c", "import click"], least)):
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=True)
            times.append(time.perf_counter() - start)
    assert min(ours) < 4 * min(least)


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_short(name: str) -> None:
    assert MODULES[name].read_text(encoding="utf-8").count("\n") <= MAX_LINES
    for node in ast.walk(parsed(name)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{node.name} has {length} lines"


def test_readme_tree_is_true() -> None:
    """Every module stands in the README's file tree, and all that stands there exists."""
    tree = re.search(r"```text\n(qbslt/.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert tree, "README.md has no file tree"
    folders: list[str] = []
    listed = set()
    for line in tree[1].splitlines()[1:]:
        indent, entries = re.match(r"( *)(.*?)(?:  +.*)?$", line).groups()  # type: ignore[union-attr]
        depth = len(indent) // 2
        for entry in entries.split(", "):
            path = "/".join([*folders[: depth - 1], entry])
            assert (ROOT / path).exists(), f"README names {path}, which is not there"
            listed.add(path.rstrip("/"))
        if entries.endswith("/"):
            folders[depth - 1 :] = [entries.rstrip("/")]
    missing = [
        str(p.relative_to(ROOT)) for p in MODULES.values()
        if p.name != "__init__.py" and str(p.relative_to(ROOT)) not in listed
    ]  # fmt: skip
    assert not missing, f"not in the README's tree: {missing}"
