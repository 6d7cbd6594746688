# Kibana's own login, the data views, and the dashboard. Whatever is there already is replaced, so it may be run again.
set -eu
password=$(cat "${PASSWORD_FILE:-/run/secrets/elastic_password}")
dashboard=${DASHBOARD:-/etc/swarmline/dashboard.ndjson}

# The password is not in the arguments, which every process of the container may read.
ask() {
    printf 'user = "elastic:%s"\n%s\n' "$password" "${more-}" | curl --silent --show-error --fail --max-time 30 --config - "$@"
}
data_view() {
    ask -X POST "$KIBANA/api/data_views/data_view" -H 'kbn-xsrf: swarmline' -H 'Content-Type: application/json' \
        --data "{\"override\": true, \"data_view\": {\"id\": \"$1\", \"title\": \"$2\", \"name\": \"$3\", \"timeFieldName\": \"@timestamp\", \"allowNoIndex\": true}}" >/dev/null
}

more=$(printf 'data = "{\\"password\\": \\"%s\\"}"' "$password")
ask -X POST "$ELASTIC/_security/user/kibana_system/_password" -H 'Content-Type: application/json' >/dev/null
more=
data_view swarmline-monitor 'swarmline-monitor-*' 'Swarmline: findings'
data_view swarmline-logs 'filebeat-*' 'Swarmline: log lines'
ask -X POST "$KIBANA/api/saved_objects/_import?overwrite=true" -H 'kbn-xsrf: swarmline' --form "file=@$dashboard;type=application/ndjson" >/dev/null
echo "data views and dashboard are in Kibana"
