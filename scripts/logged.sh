#!/usr/bin/env bash
# Runs one line of a recipe as sh does (make calls it with -c LINE), and keeps what it says in $SWARMLINE_LOG.
mkdir -p "$SWARMLINE_LOG"
goal=${SWARMLINE_GOAL:-help}
log=$SWARMLINE_LOG/${goal// /+}.log
exec 4>&2
{
    sh "$@" 2>&1 >&3 3>&- 4>&- | tee -a "$log" >&4 3>&-
    exit "${PIPESTATUS[0]}"
} 3>&1 | tee -a "$log"
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || echo "$status $goal" >>"$SWARMLINE_LOG/failed"
exit "$status"
