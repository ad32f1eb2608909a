#!/bin/sh
# An MFTPlus agent in POSIX shell and curl (7.76 or newer). It copies one file and reports the transfer to the server.
set -eu

if [ $# -ne 2 ]; then
    cat >&2 <<USAGE
Usage: $0 SOURCE DESTINATION
  MFTPLUS_SERVER          URL of the server (default: http://127.0.0.1:8080)
  MFTPLUS_KEY_FILE        file for the API key, written by the registration (default: ./agent.key)
  MFTPLUS_ENROLMENT_CODE  enrolment code, needed until the agent is registered
USAGE
    exit 2
fi
absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s' "$PWD/$1" ;; esac; }
source=$(absolute "$1") destination=$(absolute "$2")
[ -f "$source" ] || { echo "$source is not a file" >&2 && exit 1; }
server=${MFTPLUS_SERVER:-http://127.0.0.1:8080} key_file=${MFTPLUS_KEY_FILE:-./agent.key}

# Sends one request and sets $answer. Secrets go through standard input: other users can see a program's arguments.
request() { # SECRET [curl argument]...
    secret=$1 && shift
    answer=$(printf '%s' "$secret" | curl -sS --fail-with-body -H 'Content-Type: application/json' "$@") ||
        { printf '%s\n' "$answer" >&2 && return 1; }
}
api() { # METHOD PATH BODY [curl argument]...
    method=$1 url=$server$2 body=$3 && shift 3
    request "X-API-Key: $key" -H @- --retry 5 --retry-connrefused -X "$method" "$url" -d "$body" "$@"
}
json() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; } # Escapes text for a JSON string.

# Register once. No other answer contains the API key.
if [ ! -s "$key_file" ]; then
    code=${MFTPLUS_ENROLMENT_CODE:?is needed to register the agent}
    os=$(uname | tr '[:upper:]' '[:lower:]') # linux or darwin
    body="{\"hostname\":\"$(json "$(uname -n)")\",\"os\":\"$os\",\"customerIdentifier\":\"$(json "$code")\"}"
    request "$body" "$server/api/agents/register" -d @-
    (umask 077 && printf '%s' "$answer" | sed -n 's/.*"apiKey":"\([^"]*\)".*/\1/p' >"$key_file")
fi
key=$(cat "$key_file")

# Create the transfer. With an Idempotency-Key, a repeated request creates no second transfer.
api POST /api/agents/heartbeat '{}'
size=$(wc -c <"$source" | tr -d ' ') # tr: some versions of wc print leading spaces.
body="{\"sourceUrl\":\"$(json "$source")\",\"destinationPath\":\"$(json "$destination")\",\"size\":$size"
api POST /api/transfers "$body,\"direction\":\"push\",\"protocol\":\"local\"}" -H "Idempotency-Key: $(date +%s)-$$"
id=$(printf '%s' "$answer" | sed -n 's/.*"transfer":{"id":"\([^"]*\)".*/\1/p')
report() { api PATCH "/api/transfers/$id" "$1"; }

# Copy in the background. Report progress every second, send a heartbeat every 30 seconds, obey cancelTransfer.
cp -- "$source" "$destination.part" &
copy=$! status=completed seconds=0
trap 'kill "$copy" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
while kill -0 "$copy" 2>/dev/null; do
    copied=$(wc -c 2>/dev/null <"$destination.part" | tr -d ' ') || copied=0
    report "{\"status\":\"running\",\"bytesTransferred\":${copied:-0}}" || true # The copy goes on without the server.
    case $answer in
    *'"cancelTransfer"'*"\"transferId\":\"$id\""*) status=cancelled && kill "$copy" 2>/dev/null || true ;;
    esac
    sleep 1
    seconds=$((seconds + 1))
    [ $((seconds % 30)) -ne 0 ] || api POST /api/agents/heartbeat '{}' || true
done
if wait "$copy" && mv -- "$destination.part" "$destination"; then
    status=completed
elif [ "$status" != cancelled ]; then
    status=failed
fi
trap - EXIT

# Report the outcome.
error=null
[ "$status" != failed ] || error='"the file could not be copied"'
[ "$status" = completed ] || rm -f -- "$destination.part"
report "{\"status\":\"$status\",\"error\":$error}"
echo "transfer $id: $status"
[ "$status" = completed ]
