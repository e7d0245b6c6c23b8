import json
from contextlib import contextmanager

import requests
from asking import ask_until_done
from sseclient import SSEClient
from urllib3.exceptions import HTTPError


class Prompt:
    """An answer's bytes as they come: `requests` itself waits for 128 where an answer has no chunks."""

    def __init__(self, answer):
        self.answer = answer

    def __iter__(self):
        return iter(lambda: self.answer.raw.read1(65536), b"")

    def close(self):
        self.answer.close()


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
        yield answer.status_code, whole(SSEClient(Prompt(answer)).events())


ask_until_done(ask, (requests.RequestException, HTTPError))
