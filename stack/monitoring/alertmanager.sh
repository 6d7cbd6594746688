# Alertmanager has no variables, so this writes its file from alertmanager.yml, the settings and the secrets, and becomes it.
# Run by the image's own sh: `sh alertmanager.sh alertmanager --config.file=/tmp/alertmanager.yml ...`. A secret that says `none`
# is as not set. Secrets are named by their files and never written into the file.
set -eu
base=${ALERT_BASE:-/etc/alertmanager/alertmanager.yml}
written=${ALERT_WRITTEN:-/tmp/alertmanager.yml}
secrets=${ALERT_SECRETS:-/run/secrets}

# Else a value could say something else in YAML than it is: name, value, what it may not have in it, what it may.
plain() {
    case $2 in
    *[!$3]*) printf '%s is not %s: alerts cannot be sent to it\n' "$1" "$4" >&2; exit 1 ;;
    esac
}
is_set() { [ -s "$secrets/$1" ] && [ "$(cat "$secrets/$1")" != none ]; }

plain ALERT_MAIL_TO "${ALERT_MAIL_TO-}" "A-Za-z0-9@., _+-" "mail addresses, with commas between"
plain ALERT_MAIL_FROM "${ALERT_MAIL_FROM-}" "A-Za-z0-9@._+-" "a mail address"
plain ALERT_SMTP "${ALERT_SMTP-}" "A-Za-z0-9.:_-" "host:port"
plain ALERT_MAIL_USER "${ALERT_MAIL_USER-}" "A-Za-z0-9@._+-" "a name or mail address"
plain ALERT_MAIL_TLS "${ALERT_MAIL_TLS-}" "a-z" "true or false"
plain RETRAIN_URL "${RETRAIN_URL-}" "A-Za-z0-9:/._%-" "an address"
plain RETRAIN_WEBHOOK_URL "${RETRAIN_WEBHOOK_URL-}" "A-Za-z0-9:/._-" "an address"
plain ALERT_HEARTBEAT_URL "${ALERT_HEARTBEAT_URL-}" "A-Za-z0-9:/.?&=_%~-" "an address"

mail() {
    [ -n "${ALERT_MAIL_TO-}" ] || return 0
    printf "    email_configs:\n      - to: '%s'\n        from: '%s'\n        smarthost: '%s'\n" \
        "$ALERT_MAIL_TO" "${ALERT_MAIL_FROM:-swarmline@localhost}" "${ALERT_SMTP:-localhost:25}"
    printf "        require_tls: %s\n        send_resolved: true\n" "${ALERT_MAIL_TLS:-true}"
    if [ -n "${ALERT_MAIL_USER-}" ] && is_set alert_mail_password; then
        printf "        auth_username: '%s'\n        auth_password_file: '%s'\n" "$ALERT_MAIL_USER" "$secrets/alert_mail_password"
    fi
    cat <<'TEXT'
        headers:
          Subject: '[{{ .CommonLabels.severity }}] {{ template "words" . }}'
TEXT
}

# As Slack, Mattermost, Rocket.Chat and Discord (/slack) take it.
chat() {
    is_set alert_webhook || return 0
    printf "    slack_configs:\n      - api_url_file: '%s'\n        send_resolved: true\n" "$secrets/alert_webhook"
    cat <<'TEXT'
        title: '[{{ .CommonLabels.severity }}] {{ template "words" . }}'
        title_link: ''
        fallback: '{{ template "words" . }}'
        text: >-
          {{ range .Alerts }}{{ if eq .Status "resolved" }}over: {{ end }}{{ .Annotations.summary }}
          ({{ .Annotations.runbook_url }})
          {{ end }}
TEXT
}

heartbeat() {
    [ -z "${ALERT_HEARTBEAT_URL-}" ] || printf "    webhook_configs: [{url: '%s', send_resolved: false}]\n" "$ALERT_HEARTBEAT_URL"
}

# The monitor, where alerts are to start trainings.
retrain() {
    [ -n "${RETRAIN_URL-}" ] && is_set retrain_webhook_token || return 0
    printf "    webhook_configs:\n      - url: '%s'\n        send_resolved: false\n" "${RETRAIN_WEBHOOK_URL:-http://monitor:8090/alerts/retrain}"
    printf "        http_config: {authorization: {type: Bearer, credentials_file: '%s'}}\n" "$secrets/retrain_webhook_token"
}

{
    while IFS= read -r line; do
        case $line in
        '    # mail') mail ;;
        '    # chat') chat ;;
        '    # retrain') retrain ;;
        '    # heartbeat') heartbeat ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$base"
    printf "\ntemplates: ['%s']\n" "$written.words"
} >"$written"
# Of a group that goes on, what has ended has no place in the title.
cat >"$written.words" <<'TEXT'
{{ define "words" }}{{ if eq .Status "resolved" }}over: {{ end }}{{ if .CommonLabels.model }}{{ .CommonLabels.model }}: {{ end }}{{
  $alerts := .Alerts.Firing }}{{
  if eq .Status "resolved" }}{{ $alerts = .Alerts }}{{ end }}{{
  range $i, $a := $alerts }}{{ if lt $i 3 }}{{ if $i }}, {{ end }}{{ $a.Labels.alertname }}{{ end }}{{ end }}{{ end }}
TEXT
exec "$@"
