"""What schemathesis is told about this API, so that its run means something to the end."""

import os

import schemathesis

SELF = os.environ["SELF"]

# A report is text to it: lines that are no JSON, mostly.
schemathesis.serializer.alias("application/x-ndjson", "text/plain")


@schemathesis.hook
def filter_case(context, case):
    """Whoever it signs in as is neither removed nor made another."""
    return (case.path_parameters or {}).get("name") != SELF
