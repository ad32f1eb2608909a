#!/usr/bin/env python3
"""An MFTPlus agent in Python 3.9 or newer, standard library only: copies one file and reports the transfer.

Usage: agent.py SOURCE DESTINATION
  MFTPLUS_SERVER          URL of the server (default: http://127.0.0.1:8080)
  MFTPLUS_KEY_FILE        file for the API key, written by the registration (default: ./agent.key)
  MFTPLUS_ENROLMENT_CODE  enrolment code, needed until the agent is registered
"""

import hashlib
import json
import os
import platform
import sys
import time
import urllib.error
import urllib.request
import uuid

SERVER = os.environ.get("MFTPLUS_SERVER", "http://127.0.0.1:8080").rstrip("/")
KEY_FILE = os.environ.get("MFTPLUS_KEY_FILE", "./agent.key")
HEARTBEAT_SECONDS = 30
REPORT_SECONDS = 1
CHUNK_BYTES = 1024 * 1024


class Cancelled(Exception):
    """The server asked for the end of the transfer."""


class RequestFailed(Exception):
    """The server did not answer, or answered with an error."""


def call(method, path, body, headers, attempts=5):
    """Sends a request and returns `data` of the answer. Repeats what may succeed later: 429, 503, no connection."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    for attempt in range(1, attempts + 1):
        request = urllib.request.Request(SERVER + path, data, headers, method=method)
        delay = 2**attempt
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or attempt == attempts:
                raise RequestFailed(f"{method} {path}: {error.code} {error.read().decode()}") from error
            delay = int(error.headers.get("Retry-After", delay))
        except OSError as error:
            if attempt == attempts:
                raise RequestFailed(f"{method} {path}: {error}") from error
        time.sleep(delay)


def api_key():
    """Reads the API key; without one, registers the agent. No other answer contains the key."""
    if os.path.exists(KEY_FILE):
        with open(KEY_FILE, encoding="ascii") as file:
            return file.read().strip()
    code = os.environ.get("MFTPLUS_ENROLMENT_CODE") or sys.exit("MFTPLUS_ENROLMENT_CODE is needed to register the agent")
    agent = {"hostname": platform.node(), "os": platform.system().lower(), "customerIdentifier": code}
    # Not repeated: each registration creates an agent and uses up the code.
    key = call("POST", "/api/agents/register", agent, {}, attempts=1)["apiKey"]
    with os.fdopen(os.open(KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")
    return key


def run(source, destination):
    """Carries out one transfer; whether it was completed."""
    auth = {"X-API-Key": api_key()}

    def heartbeat():
        call("POST", "/api/agents/heartbeat", {}, auth)

    heartbeat()
    transfer = call(
        "POST",
        "/api/transfers",
        {
            "sourceUrl": os.path.abspath(source),
            "destinationPath": os.path.abspath(destination),
            "direction": "push",
            "protocol": "local",
            "size": os.path.getsize(source),
        },
        # A repeated request creates no second transfer.
        {**auth, "Idempotency-Key": str(uuid.uuid4())},
    )["transfer"]

    def report(body, attempts=5):
        return call("PATCH", f"/api/transfers/{transfer['id']}", body, auth, attempts)

    part = destination + ".part"
    try:
        outcome = {"status": "completed", "checksumSha256": copy(source, part, transfer["id"], heartbeat, report)}
        os.replace(part, destination)
    except Cancelled:
        outcome = {"status": "cancelled"}
    except OSError as error:
        outcome = {"status": "failed", "error": str(error)}
    if outcome["status"] != "completed" and os.path.exists(part):
        os.remove(part)
    report(outcome)
    print(f"transfer {transfer['id']}: {outcome['status']}")
    return outcome["status"] == "completed"


def copy(source, part, transfer_id, heartbeat, report):
    """Copies the file, reports progress, and returns its SHA-256."""
    digest, copied, reported, heartbeat_at = hashlib.sha256(), 0, 0.0, time.monotonic()
    with open(source, "rb") as reader, open(part, "wb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            writer.write(chunk)
            digest.update(chunk)
            copied += len(chunk)
            now = time.monotonic()
            try:
                if now - heartbeat_at >= HEARTBEAT_SECONDS:
                    heartbeat_at = now
                    heartbeat()
                if now - reported >= REPORT_SECONDS:
                    reported = now
                    answer = report({"status": "running", "bytesTransferred": copied}, attempts=1)
                    for directive in answer["directives"]:
                        if directive["type"] == "cancelTransfer" and directive["payload"]["transferId"] == transfer_id:
                            raise Cancelled
            except RequestFailed as error:
                print(f"{error}: the copy goes on without the server", file=sys.stderr)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        sys.exit(0 if run(*sys.argv[1:]) else 1)
    except (OSError, RequestFailed) as error:
        sys.exit(str(error))
