#!/bin/sh
# Connects to the controller as the agent that jenkins/casc.yaml names, by WebSocket over the controller's port. The controller makes
# the agent's secret, so this script asks for it as the user `agent`, who may connect agents and nothing else.
set -eu
url=${JENKINS_URL:?where the controller is, as in http://controller:8080}
name=${AGENT_NAME:-docker}
work=${AGENT_WORKDIR:-$HOME/agent}
password=${AGENT_PASSWORD_FILE:-/run/secrets/agent_password}
url=${url%/}

mkdir -p "${TMPDIR:-/tmp}"
# The password goes through a file, so that no list of processes shows it.
login=$(mktemp)
trap 'rm -f "$login"' EXIT
# Between quotes, curl reads a backslash as an escape.
printf 'user = "agent:%s"\n' "$(sed 's/[\\"]/\\&/g' "$password")" >"$login"

ask() {
    curl --fail --silent --show-error --location --max-time 60 --config "$login" "$@"
}

until page=$(ask "$url/computer/$name/jenkins-agent.jnlp"); do
    echo "the controller does not answer at $url yet" >&2
    sleep "${AGENT_WAIT:-5}"
done
secret=$(printf '%s' "$page" | sed -n 's:.*<argument>\([0-9a-f]\{64\}\)</argument>.*:\1:p')
[ -n "$secret" ] || { echo "the controller knows no agent $name that user agent may connect" >&2; exit 1; }
mkdir -p "$work"
ask --output "$work/agent.jar" "$url/jnlpJars/agent.jar"
umask 077
printf '%s' "$secret" >"$work/secret"
rm -f "$login"

# A deploy runs detached from its build (scripts/detached/process.py) and would be killed with the container. So the container waits
# for it. A stop signals it, as an abort does: it goes back within stop_grace_period.
deploys="scripts[.]detached run ${SWARMLINE_DEPLOYS:-${XDG_STATE_HOME:-$HOME/.local/state}/swarmline/deploys}/"
stop() {
    kill -TERM "$java" 2>/dev/null || :
    pkill -TERM -f "$deploys" || :
}
trap stop TERM INT HUP
java -jar "$work/agent.jar" -url "$url/" -name "$name" -secret "@$work/secret" -webSocket -workDir "$work" &
java=$!
# A signal ends the first wait, not Java. Java that has ended already is waited for, too: its status is the container's.
while :; do
    if wait "$java"; then status=0; else status=$?; fi
    kill -0 "$java" 2>/dev/null || break
done
while pgrep -f "$deploys" >/dev/null; do sleep 0.5; done
exit "$status"
