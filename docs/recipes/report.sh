#!/usr/bin/env bash
# Reports a command to Runcast with nothing but bash and curl:
#
#   RUNCAST_URL=https://runcast.example.org RUNCAST_TOKEN=rc_… ./report.sh nightly-backup ./backup.sh --all
#
# Or, within a script, step by step:
#
#   source report.sh
#   report_begin nightly-backup '[{"id":"dump"},{"id":"copy"}]'
#   trap 'report_end $?' EXIT
#   report step.progress '"step":"dump","percent":50,"message":"half of it"'
#   report_line dump "a line of output"
#   report step.completed '"step":"dump","outputs":{"rows":"7"}'
#
# A report that does not arrive is sent again, with the same number, so that the server takes it once.

# The answer to a request: report_request TOKEN PATH, with the body on standard input. The token is not on curl's
# command line, where others could see it.
report_request() {
  curl -sS --max-time 30 -H @<(printf 'Authorization: Bearer %s\n' "$1") -w '\n%{http_code}' \
    --data-binary @- "$RUNCAST_URL$2"
}

# Text as it stands in JSON, with its quotes.
report_text() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  text=$(LC_ALL=C tr -d '\000-\037' <<<"$text")
  printf '"%s"' "$text"
}

# Begins an execution: report_begin NAME [STEPS as JSON].
report_begin() {
  local answer
  answer=$(printf '{"name":"%s","steps":%s}' "$1" "${2:-[{\"id\":\"main\"\}]}" |
    report_request "$RUNCAST_TOKEN" /api/external) || return
  if [[ $answer != *$'\n201' ]]; then
    printf 'report: %s\n' "$answer" >&2
    return 1
  fi
  report_id=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' <<<"$answer")
  report_token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$answer")
  report_seq=0
}

# Sends one line: report KIND [FIELDS as JSON]. Tries for a minute. Returns 3 if the execution has ended on the server,
# 130 if somebody wants it stopped.
report() {
  local answer try
  report_seq=$((report_seq + 1))
  for try in {1..12}; do
    answer=$(printf '{"client_seq":%d,"kind":"%s"%s}\n' "$report_seq" "$1" "${2:+,$2}" |
      report_request "$report_token" "/api/executions/$report_id/report" 2>/dev/null)
    case $answer in
      *'"cancel":true'*) return 130 ;;
      *$'\n200') return 0 ;;
      *$'\n409') return 3 ;;
      *$'\n4'??) printf 'report: %s\n' "$answer" >&2; return 1 ;;
    esac
    sleep 5
  done
  return 1
}

# A line of output: report_line STEP TEXT.
report_line() {
  report step.output "\"step\":\"$1\",\"lines\":[$(report_text "$2")]"
}

# The end: report_end CODE.
report_end() {
  if [ "$1" -eq 0 ]; then
    report execution.completed
  else
    report execution.failed "\"error\":\"exited with $1\""
  fi
}

# The lines of a command's output, once a second, so that a command that prints much is not held up by each.
report_output() {
  local lines=() line more until=$((SECONDS + 1))
  while :; do
    IFS= read -r -t 1 line
    more=$?
    if [ $more -eq 0 ] || [ -n "$line" ]; then lines+=("$(report_text "$line")"); fi
    if [ ${#lines[@]} -gt 0 ] && { [ "$SECONDS" -ge "$until" ] || [ $more -eq 1 ]; }; then
      report step.output "\"lines\":[$(IFS=,; printf '%s' "${lines[*]}")]"
      lines=()
      until=$((SECONDS + 1))
    fi
    if [ $more -eq 1 ]; then break; fi
  done
  # What it counted, for whoever goes on from here.
  printf '%s' "$report_seq" >"$1"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  name=$1
  shift
  if ! report_begin "$name"; then
    # A server that is away is no reason not to do the work.
    exec "$@"
  fi
  count=$(mktemp)
  "$@" 2>&1 | tee >(report_output "$count")
  code=${PIPESTATUS[0]}
  until [ -s "$count" ]; do sleep 0.1; done
  report_seq=$(cat "$count")
  rm -f "$count"
  report_end "$code"
  exit "$code"
fi
