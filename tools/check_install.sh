#!/usr/bin/env bash
# Check the package as its users install it, in environments of their own.
#
#   bash tools/check_install.sh bare     `pip install .` brings NumPy and matplotlib only, and works
#   bash tools/check_install.sh lowest   the core tests pass with the lowest versions of pyproject.toml
set -euo pipefail
cd "$(dirname "$0")/.."

bin=bin
[ "${OS:-}" != Windows_NT ] || bin=Scripts
root=$(pwd)

# environment NAME ARGUMENTS...: an empty environment, then pip install ARGUMENTS
environment() {
    local name=$1
    shift
    rm -rf "$name" build/lib build/bdist.* # a module deleted since the last build must not come back
    ".venv/$bin/python" -m venv "$name"
    "$name/$bin/python" -m pip install -q --disable-pip-version-check --no-input "$@"
}

bare() {
    environment .venv-bare .
    # From another folder, so that `import vizkit` finds the installed package and not the checkout.
    (cd / && "$root/.venv-bare/$bin/python" "$root/tools/check_bare.py" "$root")
}

lowest() {
    environment .venv-lowest -r requirements/lowest.txt .
    local part parts=()
    for part in data trace autodiff nn views stories plots; do
        [ ! -d "tests/$part" ] || parts+=("tests/$part")
        parts+=("vizkit/$part")
    done
    parts+=(tests/adapters/test_vizkit_*.py vizkit/adapters/vizkit)
    ".venv-lowest/$bin/python" -m pip list --disable-pip-version-check | grep -i -E '^(numpy|matplotlib|scikit-learn) '
    OMP_NUM_THREADS=1 ".venv-lowest/$bin/python" -m pytest -q -n "${JOBS:-2}" --dist loadfile "${parts[@]}"
}

case ${1:-} in
    bare | lowest) "$1" ;;
    *) echo "usage: bash tools/check_install.sh bare|lowest   (got '${1:-}')" >&2; exit 2 ;;
esac
