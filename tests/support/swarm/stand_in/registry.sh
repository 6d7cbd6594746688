#!/bin/sh
# As the official image: a file alone is a configuration to serve.
set -e
case "${1-}" in
*.yaml | *.yml) set -- registry serve "$@" ;;
serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
