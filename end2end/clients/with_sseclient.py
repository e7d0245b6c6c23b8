from contextlib import contextmanager

import requests
from asking import ask_until_done
from sseclient import SSEClient


@contextmanager
def ask(url, headers):
    with requests.get(url, headers={**headers, "accept": "text/event-stream"}, stream=True) as answer:
        yield answer.status_code, SSEClient(answer).events()


ask_until_done(ask, requests.RequestException)
