#!/bin/sh
# environment.sh VENV LOCK: VENV as LOCK says, no more and no less, each file checked against its hash.
# uv does the work: the one in PATH, else one that pip installs into .venv-uv, hash-checked as well.
set -eu
venv=$1
lock=$2
python=${PYTHON:-python3}

fail() {
    printf 'swarmline: %s\n' "$*" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "there is no $python here; install Python 3.11 to 3.13 (on Debian: apt-get install python3 python3-venv)."
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "$python is $("$python" -V 2>&1); Python 3.11 to 3.13 is needed: name one, as in make PYTHON=python3.12."

uv=$(command -v uv) || {
    uv=.venv-uv/bin/uv
    # Only a finished install has the mark, so an interrupted one starts over.
    if [ ! .venv-uv/.ready -nt requirements/uv.txt ]; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$python cannot make a virtual environment; on Debian: apt-get install python3-venv."
        rm -rf .venv-uv
        "$python" -m venv .venv-uv
        .venv-uv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
            --requirement requirements/uv.txt
        touch .venv-uv/.ready
    fi
}

# A Python of uv's own would be another than the one asked for.
export UV_PYTHON_DOWNLOADS=never
# A venv whose Python was upgraded away cannot be mended.
"$venv/bin/python" -c '' 2>/dev/null || "$uv" venv --quiet --clear --python "$(command -v "$python")" "$venv"
printf 'swarmline: installing %s into %s\n' "$lock" "$venv" >&2
[ -t 2 ] && quiet= || quiet=--quiet
"$uv" pip sync $quiet --require-hashes --python "$venv/bin/python" "$lock"
