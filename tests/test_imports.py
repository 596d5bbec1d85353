"""Who may import whom, held twice: by import-linter, and by a plain reading of the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from source_tree import PACKAGE, ROOT, imported, modules, nodes

# The design's table. What stands in OPEN may be imported by all.
OPEN = {"checks", "errors", "files", "functions", "theme", "typing"}
MAY_IMPORT = {
    "trace": set(),
    "data": set(),
    "autodiff": set(),
    "nn": {"autodiff", "data"},
    "adapters": {"trace"},
    "views": {"trace"},
    "stories": {"trace", "views"},
    "plots": {"views", "stories"},
    "animation": {"views", "stories"},
    "web": {"views", "stories", "plots"},
    "render": {"animation", "stories"},
    "exhibits": {"nn", "trace", "views", "stories"},
}
BESIDE = {"vizkit.adapters.vizkit": {"autodiff", "nn"}}  # the framework that this adapter is named after
PARTS = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
PARTS -= {"__init__", "__main__"}


def is_cli(part: str) -> bool:
    return part in ("cli", "__main__")


def forbidden_imports(package: Path) -> list[str]:
    """List the imports that the table does not allow."""
    source = modules(package)
    known = {module.name for module in source}
    wrong = []
    for module in source:
        if is_cli(module.part):
            continue
        beside = BESIDE.get(".".join(module.name.split(".")[:3]), set())
        allowed = OPEN | MAY_IMPORT.get(module.part, set()) | {module.part} | beside
        for name, node in imported(module, known):
            part = name.partition(".")[2].partition(".")[0]
            if part and part not in allowed:
                wrong.append(f"{module.at(node)} {module.part or 'the façade'} imports {name}")
    return list(dict.fromkeys(wrong))


def facade_imports(package: Path) -> list[str]:
    """List the imports of the façade from inside: it can reach everything, so they would pass every rule."""
    source = modules(package)
    known = {module.name for module in source}
    return [
        f"{module.at(node)} imports the façade"
        for module in source
        if not is_cli(module.part)
        for name, node in imported(module, known)
        if name == package.name
    ]


def import_cycles(package: Path) -> list[list[str]]:
    """List the groups of modules that reach each other by what runs when they are imported."""
    source = modules(package)
    known = {module.name for module in source}
    graph = {m.name: {name for name, _ in imported(m, known, at_import_only=True)} - {m.name} for m in source}
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return sorted(sorted(group) for group in groups)


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(graph[name])
    return seen


def star_imports(package: Path) -> list[str]:
    return [
        module.at(node)
        for module in modules(package)
        for node in nodes(module.tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]


def prints(package: Path) -> list[str]:
    return [
        module.at(node)
        for module in modules(package)
        for node in nodes(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if not is_cli(module.part)
    ]


@pytest.mark.parametrize("check", [forbidden_imports, facade_imports, import_cycles, star_imports, prints])
def test_the_source_keeps_the_rule(check) -> None:
    assert check(PACKAGE) == []


PLANTED = {
    forbidden_imports: {"nn/a.py": "def f():\n    from vizkit.plots import draw\n", "plots/draw.py": ""},
    facade_imports: {"nn/a.py": "from vizkit import record\n"},
    import_cycles: {
        "nn/a.py": "from . import b\n",
        "nn/b.py": "import vizkit.nn.c\n",
        "nn/c.py": "from .a import x\n",
    },
    star_imports: {"nn/a.py": "from numpy import *\n"},
    prints: {"nn/a.py": "def f():\n    print(1)\n"},
}
HARMLESS = {
    "nn/a.py": (
        "from typing import TYPE_CHECKING\nfrom vizkit import __version__, errors\n"
        "from vizkit.data.b import x\nif TYPE_CHECKING:\n    from . import c\n"
    ),
    "nn/c.py": "from .a import x\n",
    "data/b.py": "def f():\n    from .d import y\n",
    "data/d.py": "from . import b\n",
    "cli.py": "import vizkit\nfrom vizkit import plots\nprint(vizkit)\n",
    "errors.py": "",
    "plots/x.py": "",
}


def write_package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "vizkit"
    for name, text in {"__init__.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return package


@pytest.mark.parametrize("check", PLANTED, ids=lambda check: check.__name__)
def test_the_checks_see_what_they_look_for(check, tmp_path: Path) -> None:
    assert len(check(write_package(tmp_path / "bad", PLANTED[check]))) == 1
    assert check(write_package(tmp_path / "good", HARMLESS)) == []


def test_every_part_of_the_package_has_its_rule() -> None:
    assert PARTS - {"cli"} <= OPEN | MAY_IMPORT.keys()


def test_import_linter_finds_every_contract_kept() -> None:
    pytest.importorskip("importlinter")
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_say_what_the_table_says() -> None:
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    forbidden: dict[str, set[str]] = {}
    for section in contracts.sections()[1:]:
        inside = {name for name in contracts[section]["forbidden_modules"].split() if name.startswith("vizkit.")}
        for source in contracts[section]["source_modules"].split():
            forbidden.setdefault(source, set()).update(inside)
    for part in PARTS - {"cli"}:
        closed = PARTS - OPEN - MAY_IMPORT.get(part, set()) - {part}
        assert forbidden.get(f"vizkit.{part}") == {f"vizkit.{name}" for name in closed}, f"contract of {part}"
