from contextlib import contextmanager

import httpx
from asking import ask_until_done
from httpx_sse import connect_sse

# By default httpx gives up after five silent seconds.
client = httpx.Client(timeout=httpx.Timeout(5, read=None))


@contextmanager
def ask(url, headers):
    with connect_sse(client, "GET", url, headers=headers) as source:
        yield source.response.status_code, source.iter_sse()


ask_until_done(ask, httpx.TransportError)
