/** Workflows made for the tests: their steps wait at gates, so that a test and not a clock says when they go on. */
export function flows(gates: string): Record<string, string> {
  // A gate is a file. When the whole folder has vanished, the test is over.
  const pass = `pass() { until [ -e "${gates}/$1" ] || [ ! -d "${gates}" ]; do sleep 0.02; done; }`;
  return {
    assemble: `
description: Fetch, build and ship a part
params:
  - { name: part, description: What is made }
  - { name: count, type: integer, default: 3, description: How many }
  - { name: polish, type: boolean, default: false, description: Make it shine }
steps:
  - id: fetch
    name: Fetch the parts
    run: |
      ${pass}
      echo "fetching $COUNT of $PART"
      echo "::progress 20 looking for $PART"
      pass found
      echo "::progress 60 half of it is here"
      pass fetched
  - id: build
    name: Build the thing
    run: |
      ${pass}
      for n in $(seq "$COUNT"); do echo "built $PART number $n"; done
      echo "::progress 50"
      pass built
      echo "made=$COUNT" >> "$RUNCAST_OUTPUT"
      echo "kind=$PART" >> "$RUNCAST_OUTPUT"
  - id: ship
    name: Ship it
    run: |
      printf '\\033[32mshipped\\033[0m to %s\\n' "$RUNCAST_USER"
`,
    quick: `
description: Say one word and be done
steps:
  - id: say
    name: Say it
    run: |
      echo "word"
      echo "said=word" >> "$RUNCAST_OUTPUT"
`,
    beside: `
description: Two at once, each with a word to say
steps:
  - id: l
    name: The left one
    run: |
      ${pass}
      pass left
      echo "from the left"
      pass end
  - id: r
    name: The right one
    run: |
      ${pass}
      pass right
      echo "from the right"
      pass again
      echo "right again"
      pass end
  - { id: both, name: Both, needs: [l, r], run: exit 3 }
`,
    breaks: `
description: Break in the middle
steps:
  - id: take
    name: Take the lock
    run: echo "taken"
  - id: migrate
    name: Migrate the tables
    run: |
      ${pass}
      echo "::progress 1/3 customers"
      echo "row 4711 is odd"
      pass broken
      echo "the cable is loose" >&2
      echo "::error::table invoices cannot be read"
      exit 7
  - id: publish
    name: Publish the tables
    run: echo "never"
  - id: release
    name: Release the lock
    if: always
    run: echo "released"
`,
    waits: `
description: Wait at a gate
params:
  - { name: gate, default: go, description: Which gate }
steps:
  - id: wait
    name: Wait to be let go
    run: |
      ${pass}
      echo "waiting at $GATE"
      echo "::progress 40 at the gate"
      pass "$GATE"
      echo "let go"
`,
    single: `
description: Wait at a gate, one at a time
concurrency: { limit: 1 }
params:
  - { name: gate, default: go, description: Which gate }
steps:
  - id: wait
    name: Wait to be let go
    run: |
      ${pass}
      pass "$GATE"
`,
    flaky: `
description: Fail once, then wait at a gate
steps:
  - id: try
    name: Try it
    retry: { attempts: 3, backoff: 4s, max-backoff: 4s }
    run: |
      ${pass}
      echo "attempt $RUNCAST_ATTEMPT"
      if [ "$RUNCAST_ATTEMPT" = 1 ]; then echo "::error::the line is busy"; exit 7; fi
      pass again
`,
    mended: `
description: Break until somebody has mended it
steps:
  - id: take
    name: Take it
    run: echo "taken once" && echo "word=kept" >> "$RUNCAST_OUTPUT"
  - id: use
    name: Use it
    run: |
      test -e "${gates}/mended"
      echo "used the $RUNCAST_OUTPUT_TAKE_WORD one"
`,
    chatter: `
description: Print many lines, forty at each gate
steps:
  - id: talk
    name: Talk
    run: |
      ${pass}
      for part in 1 2 3 4; do
        for n in $(seq 40); do echo "part $part, line $n"; done
        echo "::progress $part/5 part $part"
        pass "part-$part"
      done
      echo "all is said"
      echo "lines=161" >> "$RUNCAST_OUTPUT"
  - id: rest
    name: Rest
    run: echo "resting"
`,
    tongues: `
description: Print 3,000 lines of letters that are two, three and four bytes long
steps:
  - id: speak
    name: Speak
    run: |
      letters=(é 中 😀)
      for n in $(seq 3000); do
        printf -v room '%*s' $((n % 41)) ''
        echo "$n \${room// /\${letters[n % 3]}}é中😀"
      done
`,
    snares: `
description: Print what frames are made of
params:
  - { name: word, default: "", description: Is printed as it is }
steps:
  - id: set
    name: 'data: the snares'
    run: |
      printf '%s\\n' "data: boo" "id: 5" "event: boo" "retry: 1" ": boo" "" "data"
      printf 'with its return\\r\\n'
      printf 'seen 10%%\\rseen 20%%\\rid: 6 30%%\\n'
      printf 'one\\342\\200\\250two\\342\\200\\251three\\302\\205four\\vfive\\fsix\\n'
      printf '\\357\\273\\277marked\\n'
      printf 'null\\0byte\\n'
      printf '%s\\n' "$WORD"
      printf '::progress 42.5 up\\342\\200\\250id: 7\\302\\205data: {}\\n'
      printf 'lines<<EOF\\n%s\\nEOF\\n' $'one\\n\\ndata: two\\nid: 8\\n\\r\\342\\200\\250three' >> "$RUNCAST_OUTPUT"
      printf 'word=%s\\n' 'data: {"kind":"end"}' >> "$RUNCAST_OUTPUT"
  - id: fall
    name: Fall into one
    run: |
      echo "::error::id: 9"
      exit 3
`,
  };
}
