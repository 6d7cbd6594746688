#!/bin/sh
# As the official image: options alone are HAProxy's, and it stays in the foreground, a master with its workers.
set -e
[ "${1#-}" = "${1-}" ] || set -- haproxy "$@"
if [ "${1-}" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
