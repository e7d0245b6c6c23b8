"""What the Python readers share: the command line, the lines that they print, and asking again.

    python with_NAME.py URL

The token is in RUNCAST_TOKEN. Each answer prints {"status": 200}, each event {"id", "event", "data", "retry"} as the
client gave them. A stream that has ended is asked for again with the last id, until the answer is no stream.
"""

import json
import os
import sys
import time


def say(line):
    print(json.dumps(line), flush=True)


def ask_until_done(ask, broken):
    """`ask(url, headers)` makes a context of a status and its events; `broken` is what it throws when the link breaks."""
    url, last = sys.argv[1], None
    headers = {"authorization": "Bearer " + os.environ["RUNCAST_TOKEN"]}
    while True:
        if last:
            headers["last-event-id"] = last
        try:
            with ask(url, headers) as (status, events):
                say({"status": status})
                if status != 200:
                    return
                for event in events:
                    say({"id": event.id, "event": event.event, "data": event.data, "retry": event.retry})
                    last = event.id or last
        except broken:
            pass
        time.sleep(0.05)
