#!/bin/sh
# One resolution for all groups (dev includes every other), then each group as a part of it.
set -eu
uv=${UV:-uv}
lock() {
    "$uv" pip compile pyproject.toml --group "$1" --universal --python-version 3.11 --generate-hashes --quiet \
        --override requirements/overrides.txt --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "requirements/$1.txt" $2
}
lock dev "${LOCK_OPTIONS:-}"
for group in serve skops train monitor tracking; do lock "$group" "--constraints requirements/dev.txt"; done
echo uv | "$uv" pip compile - --universal --python-version 3.11 --generate-hashes --quiet --no-emit-index-url \
    --custom-compile-command "make lock" --constraints requirements/dev.txt --output-file requirements/uv.txt
