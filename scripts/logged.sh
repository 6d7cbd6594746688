#!/usr/bin/env bash
# Runs one line of a recipe as sh does (make calls it with -c LINE), and keeps what it says in $SWARMLINE_LOG.
goal=${SWARMLINE_GOAL:-help}
# A goal may be a file in a folder.
log=$SWARMLINE_LOG/${goal// /+}.log
# What cannot be kept is said, and fails nothing.
if ! { mkdir -p -- "${log%/*}" && : >>"$log"; } 2>/dev/null; then
    echo "swarmline: $log cannot be written: what $goal says is not kept" >&2
    exec bash --posix "$@"
fi
# A build that is aborted tells every process to end. The line may have something to put right first, as a deploy has, and
# to say so: whoever listens to it waits for its end.
trap : TERM INT HUP
keep() {
    trap '' TERM INT HUP
    tee -a /dev/fd/5
}
# Open before the line runs: `make begin` removes the file.
exec 4>&2 5>>"$log"
{
    trap : TERM INT HUP
    # Bash becomes the command where a line is one, so that it is the command whose end counts.
    bash --posix "$@" 2>&1 >&3 3>&- 4>&- 5>&- | keep >&4 3>&-
    exit "${PIPESTATUS[0]}"
} 3>&1 | keep
status=${PIPESTATUS[0]}
# The line may have removed the folder.
[ "$status" = 0 ] || { mkdir -p -- "$SWARMLINE_LOG" && echo "$status $goal" >>"$SWARMLINE_LOG/failed"; }
exit "$status"
