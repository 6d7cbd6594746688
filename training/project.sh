#!/bin/sh
# What MLproject runs: a target of make, with parameters in the environment, which no shell and no make expands.
set -eu
target=$1
shift
for word in "$@"; do
    case $word in
    MODEL=* | FORCE=* | GATE=* | SOURCE=* | OUT=* | VERSION=* | ID=* | QUERY=* | TABLE=* | ARGS=*) export "${word?}" ;;
    # MLflow appends what MLproject does not declare as --NAME VALUE: make would take some of it for options of its own.
    *)
        echo "swarmline: given the parameter ${word#--}; allowed are those that training/MLproject declares for $target" >&2
        exit 1
        ;;
    esac
done
# The run of MLflow's project is not the run of the training, which has its own.
unset MLFLOW_RUN_ID MLFLOW_EXPERIMENT_ID
cd "$(dirname "$0")/.."
exec make "$target"
