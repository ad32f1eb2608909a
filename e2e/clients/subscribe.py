"""A subscription with the package `gql`, as its documentation shows it: prints each state as a line of JSON."""

import asyncio
import json
import sys

from gql import Client, gql
from gql.transport.websockets import WebsocketsTransport

url, token, transfer = sys.argv[1:]


async def main() -> None:
    transport = WebsocketsTransport(url=url, init_payload={"Authorization": f"Bearer {token}"})
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        question = gql("subscription ($id: ID!) { transferUpdated(ids: [$id], initial: true) { transfer { progress } } }")
        question.variable_values = {"id": transfer}
        async for state in session.subscribe(question):
            print(json.dumps(state), flush=True)


asyncio.run(main())
