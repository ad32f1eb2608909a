#!/bin/sh
# The smallest MFTPlus agent, in POSIX shell and curl: registers, sends a heartbeat, copies one file and reports the transfer.
# Usage: MFTPLUS_ENROLMENT_CODE=CODE agent-minimal.sh SOURCE DESTINATION
set -eu
server=${MFTPLUS_SERVER:-http://127.0.0.1:8080}
request() { curl -fsS -H 'Content-Type: application/json' "$@"; }
api() { request -H "X-API-Key: $key" "$@"; }

# Only this answer contains the API key.
agent="{\"hostname\":\"$(uname -n)\",\"os\":\"linux\",\"customerIdentifier\":\"$MFTPLUS_ENROLMENT_CODE\"}"
key=$(request "$server/api/agents/register" -d "$agent" | sed 's/.*"apiKey":"\([^"]*\)".*/\1/')
api "$server/api/agents/heartbeat" -d '{"status":"busy"}' >/dev/null

transfer="{\"sourceUrl\":\"$PWD/$1\",\"destinationPath\":\"$PWD/$2\",\"direction\":\"push\",\"protocol\":\"local\"}"
id=$(api "$server/api/transfers" -d "$transfer" | sed 's/.*"transfer":{"id":"\([^"]*\)".*/\1/')
api -X PATCH "$server/api/transfers/$id" -d '{"status":"running"}' >/dev/null
status=completed
cp -- "$1" "$2" || status=failed
api -X PATCH "$server/api/transfers/$id" -d "{\"status\":\"$status\"}" >/dev/null
echo "transfer $id: $status"
