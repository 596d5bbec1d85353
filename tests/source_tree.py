"""The package's source as syntax trees, for the tests about imports and the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "vizkit"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file of a package."""

    path: Path
    package: Path

    @property
    def name(self) -> str:
        parts = self.path.relative_to(self.package.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str:
        """What the import rules speak of: ``"nn"`` for ``vizkit.nn.layers.dense``, ``""`` for the façade."""
        return [*self.name.split("."), ""][1]

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    def at(self, node: ast.AST) -> str:
        return f"{self.path.relative_to(self.package.parent)}:{getattr(node, 'lineno', 1)}"


@cache  # a file is parsed once for all rules
def modules(package: Path = PACKAGE) -> tuple[Module, ...]:
    """Every Python file of the package, in order."""
    return tuple(Module(path, package) for path in sorted(package.rglob("*.py")))


def functions(tree: ast.AST, public: bool = True) -> Iterator[tuple[Function, bool]]:
    """Yield each function and method that is not inside another function, and whether it is public."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield node, public and not node.name.startswith("_")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, public and not node.name.startswith("_"))
        elif isinstance(node, ast.stmt | ast.excepthandler):
            yield from functions(node, public)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def nodes(tree: ast.AST, *, at_import_only: bool = False) -> Iterator[ast.AST]:
    """Yield the tree's nodes; on demand without what does not run when the module is imported."""
    for node in ast.iter_child_nodes(tree):
        if at_import_only and (isinstance(node, Function | ast.Lambda) or is_type_checking(node)):
            continue
        yield node
        yield from nodes(node, at_import_only=at_import_only)


def imported(module: Module, known: set[str], *, at_import_only: bool = False) -> list[tuple[str, ast.AST]]:
    """List the modules among `known` that a module imports, each with its place.

    ``from vizkit import trace`` is an import of ``vizkit.trace``, ``from vizkit import load`` one of
    ``vizkit``, and ``from vizkit import __version__`` is none.
    """
    found = []
    for node in nodes(module.tree, at_import_only=at_import_only):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            stem = _stem(module, node)
            names = [f"{stem}.{alias.name}" for alias in node.names if alias.name != "__version__"]
            found += [(name if name in known else stem, node) for name in names]
    return [(name, node) for name, node in found if name in known]


def _stem(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
