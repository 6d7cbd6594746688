#!/bin/sh
# Stands in for make: does nothing but what a pipeline reads of it. BREAK names the goal that fails.
for goal in "$@"; do
    case $goal in *=*) continue ;; esac
    echo "made $goal for ${MODEL:-all}"
    [ "$goal" != "$BREAK" ] || { echo "$goal is broken" >&2; exit 2; }
done >&2
case "$*" in
scope) echo "$SCOPE_IS" ;;
models) printf '%s\n' one two ;;
audit*) echo "${AUDIT_IS:-clean}" ;;
plan) echo "$PLAN_IS" ;;
staging) echo "$STAGING_IS" ;;
offer) echo 'r-2: one 1, trained (r2 0.9)' ;;
ramp) echo "$RAMP_IS" ;;
releases) printf '%s\n' r-2 r-1 ;;
"begin rollback") mkdir -p build/release && echo "$TO" >build/release/to ;;
publish) mkdir -p build/release && echo '{}' >build/release/image.json ;;
deploy) test -f build/release/image.json ;;
confirm) [ "$STACK" != "$RED_STACK" ] || { echo "red in $STACK" >&2; exit 2; } ;;
notify)
    mkdir -p build/report
    for name in subject mail name description recipients; do echo "$RESULT $name" >build/report/$name.txt; done
    ;;
esac
