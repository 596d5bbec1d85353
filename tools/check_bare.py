"""Check a bare ``pip install .``: what it brought, and that it works. Run by check_install.sh.

usage: python check_bare.py CHECKOUT
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from importlib.metadata import requires
from pathlib import Path

EXTRAS = ("manim", "typst", "sklearn", "scipy", "torch", "keras", "tensorflow")


def missing_files(checkout: Path, installed: Path) -> list[str]:
    """Return the package's files in the checkout that were not installed."""
    source = checkout / "vizkit"
    files = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if "__pycache__" not in path.parts and not (installed / path).exists())


def problems(checkout: Path) -> list[str]:
    """Return a sentence for each thing that is wrong, none when all is well."""
    import vizkit

    found = []
    installed = Path(vizkit.__file__).parent
    if checkout in installed.parents and "site-packages" not in installed.parts:
        found.append(f"vizkit comes from the checkout ({installed}), not from the installation")
    direct = sorted(re.split(r"[^\w.-]", line)[0] for line in requires("vizkit") or [] if "extra ==" not in line)
    if direct != ["matplotlib", "numpy"]:
        found.append(f"vizkit requires {direct}, not matplotlib and numpy only")
    found += [f"{name} was installed too" for name in EXTRAS if importlib.util.find_spec(name)]
    found += [f"not in the installed package: {name}" for name in missing_files(checkout, installed)]
    for name in ("trace", "nn", "views", "stories", "plots", "exhibits"):
        module = importlib.import_module(f"vizkit.{name}")
        for public in getattr(module, "__all__", ()):
            getattr(module, public)
    return found


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    for sentence in wrong:
        print(f"bare install: {sentence}", file=sys.stderr)
    if wrong:
        sys.exit(1)
    print("bare install: NumPy and matplotlib only, all files there, every package imports")
