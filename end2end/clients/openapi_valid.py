"""Whether the document at an address is OpenAPI, by the specification's own schema."""

import sys

import schemathesis

schemathesis.openapi.from_url(sys.argv[1]).validate()
