import json
from contextlib import contextmanager

import requests
from asking import ask_until_done
from sseclient import SSEClient


def whole(events):
    """Without the piece of a frame that a cut link may leave: sseclient-py gives it as an event."""
    for event in events:
        try:
            json.loads(event.data)
        except ValueError:
            return
        yield event


@contextmanager
def ask(url, headers):
    with requests.get(url, headers={**headers, "accept": "text/event-stream"}, stream=True) as answer:
        yield answer.status_code, whole(SSEClient(answer).events())


ask_until_done(ask, requests.RequestException)
