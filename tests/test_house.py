"""The rules of the house that a machine can hold: sizes, documentation, what no file may contain."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from source_tree import PACKAGE, ROOT, Function, Module, functions, modules, nodes

# Written in pieces, so that this file does not contain what it looks for.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "deb." + "debian.org", "archive." + "ubuntu.com"]
HOSTS += ["crates" + ".io", "anaconda" + ".org", "proxy." + "golang", "download." + "pytorch"]
MACHINE_PATH = re.compile(
    r"(?<![\w.~/*\]}])/(?:ro" + r"ot|ho" + r"me|wo" + r"rk|Us" + r"ers|o" + r"pt)/|[A-Z]:\\Us" + "ers"
)
PICKLERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
TEXT = {"", ".cfg", ".css", ".html", ".ini", ".js", ".json", ".md", ".py", ".sh", ".svg", ".toml", ".txt", ".yml"}
FOLDERS = ["vizkit", "tests", "tools", "gallery", "scenes", "benchmarks", "requirements", ".ci"]
MODULE_LINES = 400
FUNCTION_LINES = 50


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file that a person wrote."""
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        files += [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted(files):
        if path.suffix in TEXT and path.name != ".git":
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def lines_with(found: Callable[[str], object]) -> list[str]:
    """List the lines of all files in which something is found."""
    return [
        f"{name}:{number} {line.strip()}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if found(line)
    ]


def names_a_host(line: str) -> bool:
    return any(host in line.lower() for host in HOSTS)


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert lines_with(names_a_host) == []


def test_no_file_contains_a_path_of_one_machine() -> None:
    assert lines_with(MACHINE_PATH.search) == []


def test_hosts_and_paths_are_recognised() -> None:
    assert names_a_host("--index-url https://py" + "pi.org/simple")
    for path in ("open('/ho" + "me/ann/x')", "cd /wo" + "rk/main", r"C:\Us" + r"ers\ann"):
        assert MACHINE_PATH.search(path)
    for text in ("network/work/x", "https://example.org/home/x", "~/work/x", "/usr/bin/env"):
        assert not MACHINE_PATH.search(text)


def long_functions(module: Module) -> list[str]:
    lines = module.text.splitlines()
    counts = ((node, code_lines(node, lines)) for node, _ in functions(module.tree))
    return [f"{module.at(node)} {node.name}: {count} code lines" for node, count in counts if count > FUNCTION_LINES]


def code_lines(node: Function, lines: list[str]) -> int:
    """Count the lines of a function that are neither empty, nor comments, nor its docstring."""
    skip = range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1) if ast.get_docstring(node) else range(0)
    body = (
        lines[number - 1].strip() for number in range(node.lineno, (node.end_lineno or 0) + 1) if number not in skip
    )
    return sum(bool(line) and not line.startswith("#") for line in body)


def long_modules(module: Module) -> list[str]:
    count = len(module.text.splitlines())
    return [f"{module.at(module.tree)} {count} lines"] if count > MODULE_LINES else []


def undocumented(module: Module) -> list[str]:
    public = [node for node, is_public in functions(module.tree) if is_public]
    public += [node for node in module.tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    found = [f"{module.at(node)} {node.name}" for node in public if not ast.get_docstring(node)]
    return found if ast.get_docstring(module.tree) else [module.at(module.tree), *found]


def not_annotated(module: Module) -> list[str]:
    return [
        f"{module.at(node)} {node.name}"
        for node, is_public in functions(module.tree)
        if is_public and (node.returns is None or any(argument.annotation is None for argument in arguments(node)))
    ]


def arguments(node: Function) -> list[ast.arg]:
    """List a function's arguments, without the instance or the class that a method receives."""
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [argument for argument in named if argument is not None and argument.arg not in ("self", "cls")]


def pickling(module: Module) -> list[str]:
    return [module.at(node) for node in nodes(module.tree) if pickles(node)]


def pickles(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] in PICKLERS for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] in PICKLERS and not node.level
    if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
        return not (isinstance(node.value, ast.Constant) and node.value.value is False)
    return False


@pytest.mark.parametrize("check", [long_modules, long_functions, undocumented, not_annotated, pickling])
def test_every_module_keeps_the_rule(check: Callable[[Module], list[str]]) -> None:
    assert [place for module in modules() for place in check(module)] == []


@pytest.mark.parametrize("folder", ["scenes", "tools", "benchmarks", "gallery"])
def test_nothing_is_pickled_outside_the_package_either(folder: str) -> None:
    assert [place for module in modules(ROOT / folder) for place in pickling(module)] == []


PLANTED = {
    long_modules: '"""Doc."""\n' + "x = 1\n" * MODULE_LINES,
    long_functions: "def f():\n    '''Doc.'''\n" + "    # why\n\n    x = 1\n" * FUNCTION_LINES,
    undocumented: '"""Doc."""\nclass A:\n    """Doc."""\n    def b(self):\n        def inner(): ...\n',
    not_annotated: "def f(a: int, *rest) -> int: ...\ndef _g(a): ...\n",
    pickling: "import numpy as np\nnp.load('a.npy', allow_pickle=True)\nnp.load('b.npy', allow_pickle=False)\n",
}


@pytest.mark.parametrize("check", PLANTED, ids=lambda check: check.__name__)
def test_the_checks_see_what_they_look_for(check: Callable[[Module], list[str]], tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.py", tmp_path / "good.py"
    bad.write_text(PLANTED[check], encoding="utf-8")
    good.write_text('"""Doc."""\nimport json\ndef f(a: int) -> int:\n    """Doc."""\n    return a\n', encoding="utf-8")
    assert len(check(Module(bad, tmp_path))) == 1
    assert check(Module(good, tmp_path)) == []


def test_the_notice_names_every_bundled_file() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    bundled = [path.name for path in sorted((PACKAGE / "assets").rglob("*")) if path.is_file()]
    assert bundled and [name for name in bundled if name not in notice] == []


def pins(name: str) -> dict[str, Requirement]:
    """Read a requirements file; a line is ``name==version`` and perhaps a marker, nothing else."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    for pin in found:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)) and not pin.url, f"{pin} is no plain pin"
    return {pin.name.lower(): pin for pin in found}


def ranges() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + [line for lines in extras.values() for line in lines]
    return [Requirement(line) for line in lines if not line.startswith("vizkit")]


def version(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


def test_the_versions_used_lie_in_the_ranges_of_the_package() -> None:
    installed = {**pins("gallery"), **pins("test")}
    for wanted in ranges():
        assert wanted.specifier.contains(version(installed[wanted.name.lower()])), wanted


def test_the_versions_used_run_on_the_oldest_python_of_the_package() -> None:
    # Debian 12 has Python 3.11.2, and a release may ask for a later 3.11 than its neighbours do.
    checked, too_new = 0, []
    for pin in [*pins("gallery").values(), *pins("test").values()]:
        if pin.marker is None and (found := metadata.distribution(pin.name)).version.startswith(version(pin)):
            checked += 1
            if not SpecifierSet(found.metadata.get("Requires-Python") or "").contains("3.11.0"):
                too_new.append(str(pin))
    assert checked > 20 and too_new == []


def test_the_lowest_versions_are_those_that_the_ranges_begin_with() -> None:
    lowest = pins("lowest")
    lowest["distributed"] = pins("test")["distributed"]  # its range begins with the release that the other tests use
    for wanted in ranges():
        if wanted.name != "manim":  # its range is one release, which the other tests use
            floor = next(part.version for part in wanted.specifier if part.operator == ">=")
            assert Requirement(f"x=={floor}").specifier.contains(version(lowest[wanted.name.lower()])), wanted
