"""Count the lines of code of a folder: without docstrings, comments and blank lines.

usage: code_lines.py [FOLDER] [--lines]        (default: vizkit/nn; --lines lists every file)
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(text: str) -> int:
    """Count the lines on which a token of code stands that is not part of a docstring."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            prose.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - prose)


def main() -> None:
    """Print the count of each file, if asked for, and the sum."""
    words = [word for word in sys.argv[1:] if word != "--lines"]
    folder = Path(words[0] if words else "vizkit/nn")
    counts = {path: code_lines(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    if "--lines" in sys.argv:
        for path, count in counts.items():
            print(f"{count:5} {path.relative_to(folder)}")
    print(f"{sum(counts.values()):5} {folder}, {len(counts)} files")


if __name__ == "__main__":
    main()
