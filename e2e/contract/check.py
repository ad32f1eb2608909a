"""Has schemathesis use a server by the OpenAPI document that it serves, as an administrator and as an agent of a customer's.

Operations that end the session or the key of the caller come last.
"""

import os
import subprocess
import sys
from pathlib import Path

import requests

url = sys.argv[1]
here = Path(__file__).resolve().parent
# What it keeps to repeat a request that failed.
output = here.parent / "output" / "contract"
output.mkdir(parents=True, exist_ok=True)
LAST = ["logout", "update_user", "revoke_agent", "rotate_agent_key", "update_customer"]


def post(path: str, body: dict, **headers: str) -> dict:
    answer = requests.post(url + path, json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]


def check(seconds: int, *choice: str) -> int:
    command = ["schemathesis", f"--config-file={here / 'schemathesis.toml'}", "run", f"{url}/openapi.json"]
    command += [f"--header=Authorization: Bearer {token}", f"--header=X-API-Key: {key}", f"--max-time={seconds}", *choice]
    return subprocess.run(command, check=False, cwd=output).returncode


token = post("/api/auth/login", {"email": "admin@localhost", "password": os.environ["MFTPLUS_PASSWORD"]})["token"]
bearer = {"Authorization": f"Bearer {token}"}
customer = post("/api/customers", {"name": "Acme"}, **bearer)["customer"]["id"]
code = post(f"/api/customers/{customer}/enrolment-codes", {}, **bearer)["enrolmentCode"]["code"]
machine = {"hostname": "edge-1.example.com", "os": "linux", "customerIdentifier": code}
key = post("/api/agents/register", machine)["apiKey"]
most = check(int(os.environ.get("MFTPLUS_SECONDS", "200")), *(f"--exclude-operation-id={each}" for each in LAST))
last = check(40, "--phases=examples,coverage,fuzzing", *(f"--include-operation-id={each}" for each in LAST))
sys.exit(most or last)
