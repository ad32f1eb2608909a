"""The client that openapi-python-client generated, as an agent uses it: what the server wants of it is printed as JSON."""

import json
import sys

from fleet import AuthenticatedClient
from fleet.api.agents import record_heartbeat
from fleet.api.transfers import update_transfer
from fleet.models import Heartbeat, SuccessHeardData, SuccessReportedData, UpdateTransfer

url, key, transfer = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-API-Key")
heartbeat = record_heartbeat.sync(client=client, body=Heartbeat(load=0.5, memory=512))
assert isinstance(heartbeat, SuccessHeardData), heartbeat
reported = update_transfer.sync(id=transfer, client=client, body=UpdateTransfer(bytes_transferred=100))
assert isinstance(reported, SuccessReportedData), reported
for directives in (heartbeat.data.directives, reported.data.directives):
    print(json.dumps([directive.to_dict() for directive in directives]))
for directive in heartbeat.data.directives:
    payload = directive.payload
    print(directive.type_, payload.run_id or payload.transfer_id or payload.job and payload.job.name or "nothing")
