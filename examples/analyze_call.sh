#!/bin/sh
# Send a recorded call in, follow its analysis, print what was found.
#
#   HUB_URL=https://hub.example HUB_KEY=pk_….sk_… HUB_COMPANY_ID=… sh examples/analyze_call.sh call.wav
#
# Needs curl, base64 and sed. `sh examples/analyze_call.sh --verify body.json SIGNATURE` checks a callback's
# X-Partner-Signature with HUB_WEBHOOK_SECRET and openssl.
set -eu

if [ "$1" = --verify ]; then
  mine=$(openssl dgst -sha256 -hmac "$HUB_WEBHOOK_SECRET" < "$2" | sed 's/^.*= *//')
  if [ "$mine" = "$3" ]; then echo verified; else echo "wrong signature" >&2; exit 1; fi
  exit 0
fi

api="${HUB_URL%/}/api/partner/v1"
ask() { curl -sS --fail-with-body --retry 5 -H "x-partner-api-key: $HUB_KEY" "$@"; }
field() { sed -n 's/.*"'"$1"'": *"\{0,1\}\([^",}]*\)"\{0,1\}.*/\1/p'; }

body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  printf '{"audio_file":"'
  base64 < "$1" | tr -d '\n'
  printf '","company_id":"%s","call_type":"support","webhook_url":"%s"}' "$HUB_COMPANY_ID" "${HUB_WEBHOOK_URL:-}"
} > "$body"
# the same recording sent twice is one job
key=$(cksum < "$body" | tr ' ' '-')
answer=$(ask -H "Content-Type: application/json" -H "Idempotency-Key: $key" --data-binary "@$body" \
  "$api/calls/analyze") || { echo "$answer" >&2; exit 1; }
job=$(printf %s "$answer" | field job_id)
echo "$job"
while :; do
  status=$(ask "$api/jobs/$job/status")
  state=$(printf %s "$status" | field status)
  case $state in
    completed) break ;;
    failed | canceled) echo "$status" >&2; exit 1 ;;
  esac
  sleep 1
done
echo "score: $(printf %s "$status" | field overall_score)"
ask "$api/jobs/$job/transcript.srt"
