#!/bin/sh
# shellcheck disable=SC2086,SC2046  # lists of words are split on purpose: $pip, $requirements, $as_root ...
#
# Set up the virtual environment .venv of this checkout.
#
#   sh tools/bootstrap.sh gallery   manim with its system libraries, scikit-learn, vizkit itself
#   sh tools/bootstrap.sh test      that, the test tools, PyTorch as an oracle, and Chromium
#   sh tools/bootstrap.sh bench     that without Chromium, and what the benchmarks compare beside PyTorch
#
# PYTHON=/path/to/python chooses the interpreter. A finished set-up leaves a stamp that holds a
# checksum of everything it depends on, so the next run has nothing to do. A set-up that was
# interrupted leaves a mark, and the next run begins again with an empty environment.
set -eu
cd "$(dirname "$0")/.."

profile=${1:-}
case $profile in
    gallery) requirements="requirements/gallery.txt" ;;
    test) requirements="requirements/gallery.txt requirements/test.txt" ;;
    bench) requirements="requirements/gallery.txt requirements/test.txt requirements/bench.txt" ;;
    *) echo "usage: sh tools/bootstrap.sh gallery|test|bench   (got '$profile')" >&2; exit 2 ;;
esac

log=build/setup.log
stamp=.venv/.vizkit-ready-$profile
unfinished=.venv/.vizkit-unfinished
made_with=.venv/.vizkit-python # only in an environment that this script made, and may delete
libraries="libpango1.0-dev libcairo2-dev pkg-config"
oldest=11                      # the oldest Python is 3.11, as in pyproject.toml

# ---------------------------------------------------------------- saying what happens

fail() {
    echo "make: $*" >&2
    exit 1
}

# try WHAT COMMAND...: one line on the screen, the command's output in the log
try() {
    what=$1
    shift
    printf '  %-58s' "$what"
    printf '\n== %s\n$ %s\n' "$what" "$*" >>"$log"
    start=$(date +%s)
    if "$@" >>"$log" 2>&1 </dev/null; then
        printf '%5d s\n' $(($(date +%s) - start))
    else
        printf ' failed\n'
        return 1
    fi
}

# step WHAT COMMAND...: the same, and the end of the log when it fails. An environment that was
# complete before survives an orderly failure (no network, say): pip downloads before it installs.
step() {
    try "$@" && return
    if ls .venv/.vizkit-ready-* >/dev/null 2>&1; then rm -f "$unfinished"; fi
    echo "--- the end of $log:" >&2
    tail -n 25 "$log" >&2
    fail "the set-up failed at: $1. The whole log is $log"
}

# ---------------------------------------------------------------- which Python

venv_python() {
    if [ -e .venv/Scripts/python.exe ]; then echo .venv/Scripts/python.exe; else echo .venv/bin/python; fi
}

version_of() {
    "$1" -c 'import sys; print(sys.version)' 2>/dev/null
}

is_new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < (3, $oldest))" >/dev/null 2>&1
}

# A name on the PATH may be a shim that leads nowhere, so each candidate has to run.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON does not run, or is older than 3.$oldest."
        python=$PYTHON
        return
    fi
    for python in python3.13 python3.12 python3.11 python3 python; do
        if is_new_enough "$python"; then return; fi
    done
    fail "vizkit needs Python 3.$oldest or newer; found: $(python3 --version 2>&1 || true)
On Debian 12, Ubuntu 24.04 or newer:
    ${as_root}apt-get install -y python3 python3-venv python3-dev
With a Python in a place of its own: make PYTHON=/path/to/python3.$oldest ..."
}

# ---------------------------------------------------------------- system packages

if [ "$(id -u 2>/dev/null || echo 0)" = 0 ]; then as_root=""; else as_root="sudo "; fi

is_linux() {
    [ "$(uname -s)" = Linux ]
}

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# Linux has no wheels of pycairo and manimpango: pip compiles them. Prints what that lacks.
missing_packages() {
    is_linux || return 0
    pkg-config --exists pangocairo cairo 2>/dev/null || echo "$libraries"
    command -v cc >/dev/null || command -v gcc >/dev/null || echo build-essential
    "$python" - <<'END'
import importlib.util, os, sys, sysconfig
name = "python%d.%d" % sys.version_info[:2]
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print(name + "-dev")
if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
    print(name + "-venv")
END
}

# A list that cannot be refreshed (an unrelated source is down) need not stop the installation.
apt_install() {
    ${as_root}apt-get update -q || true
    ${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

install_packages() {
    packages=$(missing_packages | tr '\n' ' ' | sed 's/ *$//')
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || fail "please install what these Debian packages hold: $packages
For example on Fedora: sudo dnf install -y pango-devel cairo-devel pkgconf python3-devel gcc"
    try "System packages: $packages" apt_install $packages ||
        fail "system packages are missing and could not be installed here ($log). Please run:
    ${as_root}apt-get install -y $packages"
}

# Elsewhere than in CI the browser tests are skipped without a browser; in CI they must run.
install_chromium() {
    is_linux && ! find_chromium >/dev/null || return 0
    if command -v apt-get >/dev/null && try "System packages: chromium" apt_install chromium; then return; fi
    command="${as_root}apt-get install -y chromium"
    [ "${CI:-}" != true ] || fail "Chromium is missing and the browser tests need it. Please run: $command"
    echo "  Chromium is missing, so the browser tests will be skipped. To run them: $command"
}

# ---------------------------------------------------------------- the environment

# Everything that the set-up depends on. With PYTHON= its version is part of it.
fingerprint() {
    {
        cat tools/bootstrap.sh pyproject.toml $requirements
        pwd
        version_of "${PYTHON:-$(venv_python)}"
        version_of "$(venv_python)"
    } | cksum
}

is_ready() {
    [ -f "$stamp" ] && [ ! -e "$unfinished" ] && version_of "$(venv_python)" >/dev/null &&
        [ "$(cat "$stamp")" = "$(fingerprint)" ]
}

# What an environment cannot outlive: another Python, another place.
origin() {
    pwd
    version_of "$1"
}

is_usable() {
    [ -d .venv ] && [ ! -e "$unfinished" ] && is_new_enough "$(venv_python)" || return 1
    [ ! -e "$made_with" ] && [ -z "${PYTHON:-}" ] && return 0
    [ -e "$made_with" ] && [ "$(cat "$made_with")" = "$(origin "${PYTHON:-$(venv_python)}")" ]
}

make_environment() {
    if [ -e .venv ] && [ ! -e "$made_with" ] && [ ! -e "$unfinished" ]; then
        fail ".venv does not run, or is not of the Python asked for, and was not made here. Please remove it."
    fi
    rm -rf .venv
    mkdir .venv
    : >"$unfinished"
    step "Virtual environment .venv ($("$python" --version))" "$python" -m venv .venv
    origin "$python" >"$made_with"
}

install_requirements() {
    pip="$(venv_python) -m pip --disable-pip-version-check --no-input"
    set -- $(printf -- ' -r %s' $requirements)
    step "Python packages (requirements/$profile.txt)" $pip install -q "$@"
    # The build tool is pinned with the rest, so the build needs no environment of its own.
    step "vizkit itself, editable" $pip install -q --no-build-isolation --no-deps -e .
    step "Do the versions fit together?" $pip check
}

main() {
    if is_ready; then return; fi
    echo "Setting up for 'make $profile' (details in $log):"
    mkdir -p build
    : >"$log"
    if is_usable; then python=$(venv_python); else find_python; fi
    install_packages
    is_usable || make_environment
    if [ -e "$made_with" ]; then : >"$unfinished"; fi
    install_requirements
    if [ "$profile" = test ]; then install_chromium; fi
    fingerprint >"$stamp.new"
    mv "$stamp.new" "$stamp"
    rm -f "$unfinished"
}

main
