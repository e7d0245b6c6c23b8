"""Computes the hash of an execution's state from its snapshot, as docs/stream.md defines it.

Reads snapshots, one JSON document on each line of standard input; prints the hash of each.
"""

import json
import sys


def text_of(snapshot):
    lines = []

    def field(name, value):
        if value is not None:
            value = str(value)
            lines.append(f"{name} {len(value.encode())} {value}\n")

    def percent(value):
        field("percent", int(value * 1000 + 0.5))

    def outputs(pairs):
        for key in sorted(pairs):
            field("key", key)
            field("value", pairs[key])

    field("id", snapshot["id"])
    field("status", snapshot["status"])
    percent(snapshot["percent"])
    field("eta_ms", snapshot["eta_ms"])
    for milliseconds in snapshot["eta_range_ms"] or []:
        field("eta_range_ms", milliseconds)
    if snapshot["waiting"] is not None:
        field("waiting.reason", snapshot["waiting"]["reason"])
        field("waiting.place", snapshot["waiting"]["place"])
    for name in ("out_of_touch_at", "queued_at", "started_at", "finished_at", "duration_ms", "cancelled_by"):
        field(name, snapshot[name])
    if snapshot["error"] is not None:
        error = snapshot["error"]
        field("error", error["message"])
        field("error.step", error.get("step"))
        field("error.exit_code", error.get("exit_code"))
        for line in error["tail"]:
            field("error.tail", line)
    for step in sorted(snapshot["result"] or {}):
        field("result", step)
        outputs(snapshot["result"][step])
    for step in snapshot["steps"]:
        field("step", step["id"])
        field("status", step["status"])
        field("attempt", step["attempt"])
        percent(step["percent"])
        for name in ("message", "source", "started_at", "finished_at", "duration_ms", "exit_code", "signal", "error"):
            field(name, step[name])
        for earlier in step["attempts"]:
            field("attempts.attempt", earlier["attempt"])
            field("attempts.error", earlier["error"])
        for name in ("next_attempt_at", "estimate_ms", "silent_since"):
            field(name, step[name])
        if step["status"] in ("succeeded", "failed", "cancelled", "timed_out", "interrupted"):
            field("lines", step["lines"])
        outputs(step["outputs"])
    return "".join(lines)


def fnv_1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


for line in sys.stdin:
    print(fnv_1a(text_of(json.loads(line)).encode()))
