import { expect, test } from "../fixtures.ts";
import type { Server } from "../server.ts";
import { heap, percentile, plant } from "./probe.ts";
import { row } from "./table.ts";

/** Prints a progress line every second without starting a process for it. */
const BUSY = `steps:
- id: work
  run: |
    exec 3<> <(:)
    for ((part = 1; part <= 100000; part++)); do echo "::progress $part/100000 part $part"; read -t 1 -u 3 || true; done
`;
const RUNNING = 1_000;
const BUSY_SECONDS = Number(process.env.RUNCAST_BENCH_SECONDS ?? 60);
/** Numbered lines of 64 bytes: 100 MB. */
const LOG_LINES = 1_562_500;
const PRINTS = `steps:
- id: print
  run: awk 'BEGIN { s = sprintf("%053d", 0); for (n = 0; n < ${LOG_LINES}; n++) printf "%09d %s\\n", n, s }'
`;

const EVENTS = 10_000;

test.use({ flags: ["--max-executions", `${RUNNING + 10}`] });

test("the first page", async ({ server, visitor }, info) => {
  // What a warm server is.
  await (await visitor("ada", { role: "admin" })).goto("/");
  const [bare, painted, live] = [[] as number[], [] as number[], [] as number[]];
  let [wasm, all] = [0, 0];
  for (let round = 0; round < 10; round++) {
    const page = await visitor("ada");
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const kinds = new Map<string, boolean>();
    [wasm, all] = [0, 0];
    session.on("Network.responseReceived", ({ requestId, response }) => kinds.set(requestId, response.url.includes(".wasm")));
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      all += encodedDataLength;
      if (kinds.get(requestId)) wasm += encodedDataLength;
    });
    await plant(page);
    await page.goto("/");
    await expect.poll(() => page.evaluate(() => window.probe.live), { timeout: 30_000 }).toBeDefined();
    const probe = await page.evaluate(() => window.probe);
    painted.push(probe.painted!);
    live.push(probe.live!);
    await page.context().close();
    // The yardstick: two words of plain text, by the same browser from the same server.
    const plain = await visitor("ada");
    await plant(plain);
    await plain.goto("/healthz");
    await expect.poll(() => plain.evaluate(() => window.probe.painted)).toBeDefined();
    bare.push((await plain.evaluate(() => window.probe.painted))!);
    await plain.context().close();
  }
  row(info, "its wasm, as it is sent", wasm / 1024, "KiB", 300);
  row(info, "all of it, as it is sent", all / 1024, "KiB", 400);
  row(info, "something to be seen, median of ten", percentile(painted, 50), "ms", 150);
  row(info, "the same of two words of plain text", percentile(bare, 50), "ms");
  row(info, "hydrated and its stream open, median of ten", percentile(live, 50), "ms", 800);
});

test("from an event's arrival at a reader to the changed pixel", async ({ server, visitor }, info) => {
  const page = await visitor("ada", { role: "admin" });
  server.write("busy", BUSY.replace("-t 1", "-t 0.25"));
  let id = "";
  await expect(async () => (id = await server.run("ada", "busy"))).toPass();
  await plant(page);
  await page.goto(`/executions/${id}`);
  await expect.poll(() => page.evaluate(() => window.probe.live), { timeout: 30_000 }).toBeDefined();
  // When each message is drawn, by the clock that this process has as well.
  await page.evaluate(() => {
    const drawn = new Map<string, number>();
    Object.assign(window, { drawn });
    const look = () => {
      const text = document.querySelector("main")!.textContent!;
      const message = /part \d+/.exec(text)?.[0];
      if (message && !drawn.has(message)) {
        const at = performance.timeOrigin + performance.now();
        requestAnimationFrame(() => drawn.has(message) || drawn.set(message, at));
        drawn.set(message, at);
      }
    };
    new MutationObserver(look).observe(document.querySelector("main")!, { subtree: true, childList: true, characterData: true });
  });
  const arrived = new Map<string, number>();
  const stream = await fetch(`${server.url}/api/events`, { headers: { authorization: `Bearer ${await server.token("ada")}` } });
  const reader = stream.body!.getReader();
  const decoder = new TextDecoder();
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const { value, done } = await reader.read();
    if (done) break;
    const now = performance.timeOrigin + performance.now();
    for (const [message] of decoder.decode(value, { stream: true }).matchAll(/part \d+/g)) {
      if (!arrived.has(message)) arrived.set(message, now);
    }
  }
  await reader.cancel();
  const drawn = await page.evaluate(() => [...(window as unknown as { drawn: Map<string, number> }).drawn]);
  const waits = drawn.filter(([message]) => arrived.has(message)).map(([message, at]) => at - arrived.get(message)!);
  expect(waits.length, "events that were seen on both ways").toBeGreaterThan(50);
  row(info, `p50 of ${waits.length}`, percentile(waits, 50), "ms");
  row(info, `p95 of ${waits.length}`, percentile(waits, 95), "ms", 50);
});

test(`${RUNNING} running executions, ${RUNNING} events a second, for ${BUSY_SECONDS} s`, async ({ server, visitor }, info) => {
  const page = await visitor("ada", { role: "admin" });
  server.write("busy", BUSY);
  await expect(async () => void (await server.run("ada", "busy"))).toPass();
  for (let started = 1; started < RUNNING; started += 10) {
    await Promise.all(Array.from({ length: 10 }, () => server.run("ada", "busy")));
  }
  await plant(page);
  await page.goto("/");
  await expect.poll(() => page.evaluate(() => window.probe.live), { timeout: 120_000 }).toBeDefined();
  // What a page does when it is opened is another figure: a second in which no frame is late.
  await page.waitForFunction(() => {
    const last = window.probe.frames.slice(-60);
    return last.length === 60 && Math.max(...last) < 50;
  }, undefined, { timeout: 60_000 }).catch(() => {});
  const session = await page.context().newCDPSession(page);
  const before = await heap(session);
  const count = async () => (await (await page.request.get("/metrics", { headers: { authorization: `Bearer ${await server.token("ada")}` } })).text()).match(/runcast_journal_batch_facts_sum (\S+)/)![1];
  const [facts, shift] = [Number(await count()), await page.evaluate(() => window.probe.shift)];
  await page.evaluate(() => (window.probe.frames = []));
  await page.waitForTimeout(BUSY_SECONDS * 1_000);
  const { frames, shift: after } = await page.evaluate(() => window.probe);
  row(info, "events a second", (Number(await count()) - facts) / BUSY_SECONDS, "/s");
  row(info, "frames of more than 50 ms", (100 * frames.filter((frame) => frame > 50).length) / frames.length, "%", 1);
  row(info, "frames a second", frames.length / BUSY_SECONDS, "/s");
  row(info, "the heap grows by", (await heap(session)) - before, "MB", 10);
  row(info, "layout shift", after - shift, "", 0);
});

test("a log of 100 MB", async ({ server, visitor }, info) => {
  const page = await visitor("ada", { role: "admin" });
  server.write("print", PRINTS);
  let id = "";
  await expect(async () => (id = await server.run("ada", "print"))).toPass();
  await server.reaches("ada", id, "execution.completed");
  const last = String(LOG_LINES - 1).padStart(9, "0");
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    await plant(page);
    await page.goto("about:blank");
    const began = Date.now();
    await page.goto(`/executions/${id}`);
    await expect(page.getByText(last).first()).toBeVisible({ timeout: 30_000 });
    times.push(Date.now() - began);
  }
  await expect.poll(() => page.evaluate(() => window.probe.live), { timeout: 30_000 }).toBeDefined();
  row(info, "from the link to its last line, median of five", percentile(times, 50), "ms", 1_000);
  row(info, "nodes in the page", await page.evaluate(() => document.querySelectorAll("*").length), "", 2_000);
  const lines = page.getByRole("log");
  await lines.hover();
  await page.evaluate(() => Object.assign(window.probe, { frames: [], tasks: [] }));
  for (let turn = 0; turn < 300; turn++) {
    await page.mouse.wheel(0, turn % 100 < 50 ? -1_500 : 1_500);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  const { frames, tasks } = await page.evaluate(() => window.probe);
  row(info, "scrolled: frames a second", 1000 / (frames.reduce((sum, frame) => sum + frame, 0) / frames.length), "/s");
  row(info, "scrolled: the longest task", Math.max(0, ...tasks), "ms", 50);
  row(info, "scrolled: nodes in the page", await page.evaluate(() => document.querySelectorAll("*").length), "", 2_000);
  row(info, "the heap after that", await heap(await page.context().newCDPSession(page)), "MB", 60);
});

test(`dragging through ${EVENTS} events`, async ({ server, visitor }, info) => {
  const page = await visitor("ada", { role: "admin" });
  const id = await reported(server, EVENTS);
  await plant(page);
  await page.goto(`/executions/${id}`);
  await expect.poll(() => page.evaluate(() => window.probe.painted), { timeout: 30_000 }).toBeDefined();
  const scrubber = page.getByRole("slider", { name: "Moment shown" });
  const began = Date.now();
  await scrubber.press("Home");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /event 1 of/, { timeout: 30_000 });
  row(info, "until all of it can be travelled", Date.now() - began, "ms");
  // As a hand does it, with a new place in each frame: told from outside, every second or third frame would have one.
  await page.evaluate(() => Object.assign(window.probe, { frames: [], tasks: [] }));
  await scrubber.evaluate(async (element) => {
    const slider = element as HTMLInputElement;
    for (let turn = 0; turn < 300; turn++) {
      slider.value = String(Number(slider.max) * 0.99 * Math.abs(Math.sin(turn / 25)));
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise(requestAnimationFrame);
    }
  });
  const { frames, tasks } = await page.evaluate(() => window.probe);
  row(info, "dragged: frames a second", 1000 / (frames.reduce((sum, frame) => sum + frame, 0) / frames.length), "/s");
  row(info, "dragged: the longest task", Math.max(0, ...tasks), "ms", 50);
});

/** An execution of 50 steps elsewhere that has ended, with so many events of progress and output. */
async function reported(server: Server, events: number) {
  const json = { authorization: `Bearer ${await server.token("ada")}`, "content-type": "application/json" };
  const steps = Array.from({ length: 50 }, (_, number) => ({ id: `s${number}`, name: `Step ${number}` }));
  const made = await fetch(`${server.url}/api/external`, { method: "POST", headers: json, body: JSON.stringify({ name: "elsewhere", steps }) });
  const { id, token } = (await made.json()) as { id: string; token: string };
  let client_seq = 0;
  const each = events / steps.length;
  const tell = async (words: object[]) => {
    const body = words.map((word) => JSON.stringify({ client_seq: ++client_seq, ...word })).join("\n");
    const answer = await fetch(`${server.url}/api/executions/${id}/report`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body });
    expect(answer.status, await answer.text()).toBe(200);
  };
  for (const { id: step } of steps) {
    const words: object[] = [{ kind: "step.started", step }];
    for (let part = 1; part < each - 1; part += 2) {
      // Of several in a row the last one counts: so a line comes between.
      words.push({ kind: "step.progress", step, percent: (100 * part) / each, message: `part ${part}` });
      words.push({ kind: "step.output", step, lines: [`part ${part} of ${step} is done`] });
    }
    await tell([...words, { kind: "step.completed", step }]);
  }
  await tell([{ kind: "execution.completed" }]);
  return id;
}
