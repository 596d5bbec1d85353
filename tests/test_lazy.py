"""What importing a part of vizkit loads, each in a fresh interpreter, and what the façades offer."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pkgutil
import subprocess
import sys

import pytest

import vizkit

SCRIPT = """
import json, sys
before = set(sys.modules)
{statement}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(new - set(sys.stdlib_module_names) - {{"vizkit"}})))
"""
EVERY_NAME = "import {0} as part\nfor name in part.__all__: getattr(part, name)"
HEAVY = {"keras", "manim", "matplotlib", "scipy", "sklearn", "tensorflow", "torch", "typst"}
NUMPY = {"numpy", "cython_runtime"}  # the second belongs to numpy.random
PURE = ["vizkit.trace", "vizkit.data", "vizkit.nn", "vizkit.views", "vizkit.stories"]


def loaded(statement: str) -> set[str]:
    """Return the third-party packages that a statement loads in a fresh interpreter."""
    command = [sys.executable, "-c", SCRIPT.format(statement=statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name for name in json.loads(done.stdout) if not name.startswith("_")}


def test_the_measurement_sees_a_heavy_import() -> None:
    assert loaded("import matplotlib") >= {"matplotlib", "numpy"}


def test_vizkit_itself_loads_nothing() -> None:
    assert loaded("import vizkit") == set()


@pytest.mark.parametrize("name", PURE)
def test_pure_data_needs_numpy_only(name: str) -> None:
    assert loaded(f"import {name}") <= NUMPY


@pytest.mark.parametrize("name", PURE)
def test_every_name_of_a_pure_part_needs_numpy_only(name: str) -> None:
    assert loaded(EVERY_NAME.format(name)) <= NUMPY


@pytest.mark.parametrize("name", ["vizkit.exhibits", "vizkit.cli", "vizkit.web"])
def test_the_catalogue_the_command_line_and_the_pages_load_nothing_heavy(name: str) -> None:
    assert not loaded(f"import {name}") & HEAVY


def test_plots_need_no_manim_and_no_extra() -> None:
    assert not loaded(EVERY_NAME.format("vizkit.plots")) & (HEAVY - {"matplotlib"})


FACADES = ["vizkit"] + [
    found.name
    for found in pkgutil.walk_packages(vizkit.__path__, "vizkit.")
    if found.ispkg and "._" not in found.name and ".adapters" not in found.name
]


def sort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, which is the order that ruff asks for."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", FACADES)
def test_facade_is_sorted_and_every_name_resolves(name: str) -> None:
    if name in ("vizkit.animation", "vizkit.render") and importlib.util.find_spec("manim") is None:
        pytest.skip("manim, the extra 'video', is not installed here")
    module = importlib.import_module(name)
    names = list(module.__all__)
    assert names in (sorted(set(names)), sorted(set(names), key=sort_key))
    for public in names:
        assert getattr(module, public) is not None
    assert set(names) <= set(dir(module))


def test_a_name_that_does_not_exist_is_an_attribute_error_that_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'plot'.*plots"):
        vizkit.plot  # noqa: B018
