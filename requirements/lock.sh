#!/bin/sh
# One resolution for all groups (dev includes every other), then each group as a part of it; and tools that are installed
# by themselves. The generator of clients, a test's, is one because its bounds would hold back what dev has.
set -eu
uv=${UV:-uv}
lock() {
    "$uv" pip compile pyproject.toml --group "$1" --universal --python-version 3.11 --generate-hashes --quiet \
        --override requirements/overrides.txt --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "requirements/$1.txt" $2
}
lock dev "${LOCK_OPTIONS:-}"
for group in serve skops train monitor tracking; do lock "$group" "--constraints requirements/dev.txt"; done
tool() {
    echo "$1" | "$uv" pip compile - --universal --python-version 3.11 --generate-hashes --quiet --no-emit-index-url \
        --custom-compile-command "make lock" --output-file "requirements/$1.txt" $2
}
tool uv "--constraints requirements/dev.txt"
tool openapi-python-client "${LOCK_OPTIONS:-}"
