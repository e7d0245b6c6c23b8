#!/usr/bin/env python3
"""Reports work to Runcast with Python's standard library only.

    with Report("import", steps=[{"id": "load"}, {"id": "check"}]) as report:
        for n, row in enumerate(rows):
            report.line("load", f"row {n}")
            report.progress("load", 100 * n / len(rows), f"row {n} of {len(rows)}")
        report.completed("load", rows=len(rows))

The address and the token are taken from RUNCAST_URL and RUNCAST_TOKEN. Lines are sent by a thread, four times a second
at most; while the server is away they wait, and what was sent in vain is sent again with the same numbers, so that the
server takes each once.
"""

import collections
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

PACE = 0.25  # seconds between two reports
HEARTBEAT = 10  # seconds of silence before a word that says nothing
WAITING_MAX = 100_000  # lines that wait; beyond that, output is left out
BATCH = 2_000  # lines in a report


class Cancelled(Exception):
    """Somebody has stopped the execution on the server."""


class Report:
    """An execution that runs here. As a context it ends with the block: completed, or failed by its exception."""

    def __init__(self, name, steps=None, **more):
        self.url = os.environ["RUNCAST_URL"].rstrip("/")
        self.cancelled = False
        self._over = False
        self._closing = False
        self._waiting = collections.deque()
        self._lock = threading.Condition()
        self._seq = 0
        body = {"name": name, "steps": steps, **more}
        key = str(uuid.uuid4())
        begun = self._again(lambda: self._post("/api/external", os.environ["RUNCAST_TOKEN"], body, key))
        self.id, self._token = begun["id"], begun["token"]
        self._thread = threading.Thread(target=self._deliver, daemon=True)
        self._thread.start()

    def line(self, step, text, stream="out"):
        """A line of output."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{int(time.time() * 1000) % 1000:03}Z"
        self.tell("step.output", step=step, lines=[{"text": text, "stream": stream, "at": at}])

    def progress(self, step, percent, message=None):
        """How far a step is. Raises Cancelled if somebody has stopped the execution."""
        self.tell("step.progress", step=step, percent=percent, message=message)
        if self.cancelled:
            raise Cancelled

    def completed(self, step, **outputs):
        """A step succeeded; its outputs are texts."""
        self.tell("step.completed", step=step, outputs={key: str(value) for key, value in outputs.items()})

    def tell(self, kind, **fields):
        """Any line."""
        with self._lock:
            if kind == "step.output" and len(self._waiting) >= WAITING_MAX:
                return
            self._seq += 1
            self._waiting.append({"client_seq": self._seq, "kind": kind, **fields})
            self._lock.notify()

    def close(self, patience=60):
        """Waits until all is delivered. Says whether it is."""
        with self._lock:
            self._closing = True
            self._lock.notify()
        self._thread.join(patience)
        return not self._waiting

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.tell("execution.completed")
        elif kind is Cancelled:
            self.tell("execution.cancelled")
        else:
            self.tell("execution.failed", error=f"{kind.__name__}: {error}")
        self.close()
        return kind is Cancelled

    def _deliver(self):
        path = f"/api/executions/{self.id}/report"
        while not self._over:
            with self._lock:
                if not self._waiting and not self._closing:
                    self._lock.wait(HEARTBEAT)
                lines = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
                if not lines and self._closing:
                    return
            said = self._again(lambda: self._post(path, self._token, lines))
            if said is None:
                return
            self.cancelled = said["cancel"] or said["status"] == "cancelled"
            with self._lock:
                for _ in lines:
                    self._waiting.popleft()
            time.sleep(PACE)

    def _again(self, attempt):
        """Repeats what the server was not there for; None if the execution has ended."""
        pause = 0.5
        while True:
            try:
                return attempt()
            except urllib.error.HTTPError as error:
                if error.code == 409:
                    self._over = True
                    self.cancelled = json.load(error).get("execution_status") == "cancelled"
                    return None
                if error.code < 500 and error.code != 429:
                    self._over = True
                    raise
            except OSError:
                pass
            time.sleep(pause)
            pause = min(pause * 2, 10)

    def _post(self, path, token, body, key=None):
        if isinstance(body, list):
            data = "".join(json.dumps(line) + "\n" for line in body)
        else:
            data = json.dumps(body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(self.url + path, data.encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def main():
    """report.py NAME CMD… reports a command: each line that it prints, and its end."""
    name, *command = sys.argv[1:]
    report = Report(name)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in process.stdout:
        print(line, end="", flush=True)
        report.line("main", line.rstrip("\n"))
        if report.cancelled:
            process.terminate()
    code = process.wait()
    if report.cancelled:
        report.tell("execution.cancelled")
    elif code == 0:
        report.tell("execution.completed")
    else:
        report.tell("step.failed", step="main", exit_code=code, error=f"exited with {code}")
        report.tell("execution.failed")
    report.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
