import type { Page } from "@playwright/test";
import { Chromium, Curl, type Listener, Npm, Python, type Stream } from "../clients.ts";
import { UNREACHABLE, expect, test } from "../fixtures.ts";
import type { Server } from "../server.ts";
import type { Wire } from "../wire.ts";

/** Clients of event streams that nobody here wrote. `page` makes one of the server, where alice has signed in. */
const CLIENTS: Record<string, (stream: Stream, page: () => Promise<Page>) => Promise<Listener>> = {
  "Chromium's EventSource": async (stream, page) => await Chromium.open(await page(), stream),
  "npm's eventsource": async (stream) => new Npm(stream),
  "Python's httpx-sse": async (stream) => new Python("with_httpx_sse.py", stream),
  "Python's sseclient-py": async (stream) => new Python("with_sseclient.py", stream),
  curl: async (stream) => new Curl(stream),
};
const BY_THEMSELVES = ["Chromium's EventSource", "npm's eventsource"];
const TELL_RETRY = ["Python's httpx-sse", "curl"];

test.beforeEach(async ({ troubles }) => troubles.meant(UNREACHABLE));

const streamOf = async (server: Server, id: string, base = server.url): Promise<Stream> => ({
  url: `${base}/api/executions/${id}/events`,
  token: await server.token("alice"),
});

const facts = (listener: Listener) => listener.said.filter((said) => said.seq !== undefined);
const count = (listener: Listener, kind: string) => listener.said.filter((said) => said.kind === kind).length;
const last = (listener: Listener) => facts(listener).at(-1)?.seq;
/** The last id that it had when a stream began, for each of them. */
const known = (listener: Listener) =>
  listener.said.flatMap(({ kind }, n, said) => (kind === "hello" ? [said.slice(0, n).findLast(({ seq }) => seq)?.seq] : []));
const texts = (listener: Listener, step?: string) =>
  facts(listener)
    .filter((fact) => fact.kind === "step.output" && (!step || fact.step === step))
    .flatMap((fact) => (fact.lines as { text: string }[]).map((line) => line.text));

/** What was asked of a stream through the wire. */
const asked = (wire: Wire, { url }: Stream) => wire.asked.filter(({ head }) => head.startsWith(`GET ${new URL(url).pathname}`));

async function until(what: string, holds: () => boolean | Promise<boolean>, timeout = 10_000) {
  await expect.poll(holds, { message: what, intervals: [20], timeout }).toBe(true);
}
const ended = async (listener: Listener) => await until("the end", () => count(listener, "end") > 0);
const heard = async (listener: Listener, text: string) => await until(text, () => texts(listener).includes(text));

/** What curl has when it asks for the whole of a stream that is over. */
async function whole(stream: Stream) {
  const curl = new Curl(stream);
  await until("curl is done", () => curl.closed());
  expect(curl.wrong).toBeUndefined();
  expect(curl.text).toMatch(/^retry: \d+\n/);
  expect(curl.text.match(/^retry:/gm)).toHaveLength(1);
  expect(curl.codes).toEqual([0, 0]);
  expect(curl.statuses).toEqual([200, 204]);
  return curl;
}

/** The client heard all that curl has, once, in order, between the words that begin and end a stream. */
function isWhole(listener: Listener, curl: Curl, streams = 1) {
  const said = listener.said.filter(({ kind }) => kind !== "heartbeat");
  expect(said[0]).toMatchObject({ kind: "hello", user: "alice" });
  expect(said.at(-1)).toEqual({ kind: "end", reason: "finished" });
  expect(count(listener, "hello")).toBe(streams);
  expect(count(listener, "end")).toBe(1);
  if (streams === 1) expect(count(listener, "caught_up")).toBe(1);
  expect(count(listener, "reset")).toBe(0);

  const messages = listener.messages.filter(({ data }) => data && "seq" in JSON.parse(data));
  const ids = messages.map(({ id }) => Number(id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(ids).toEqual(facts(listener).map((fact) => fact.seq));
  for (const { event } of listener.messages) expect(event || "message").toBe("message");
  expect(messages.map(({ data }) => data)).toEqual(curl.messages.filter(({ id }) => id).map(({ data }) => data));
}

for (const [name, listen] of Object.entries(CLIENTS)) {
  test.describe(name, () => {
    test("hears a run from its first fact to its last, while it happens and afterwards", async ({ server, visitor }) => {
      const page = () => visitor("alice");
      await page();
      const id = await server.run("alice", "assemble", { part: "cog" });
      const stream = await streamOf(server, id);
      const live = await listen(stream, page);
      await heard(live, "fetching 3 of cog");
      await until("the present", () => count(live, "caught_up") === 1);
      await until("its progress", () => facts(live).some(({ message }) => message === "looking for cog"));
      server.open("found");
      await until("more progress", () => facts(live).some(({ message }) => message === "half of it is here"));
      server.open("fetched", "built");
      await ended(live);
      await live.stop();

      const curl = await whole(stream);
      isWhole(live, curl);
      const later = await listen(stream, page);
      await ended(later);
      await later.stop();
      isWhole(later, curl);
      // How lines are put together is not promised.
      expect(facts(curl).flatMap(({ kind }) => (kind === "step.output" ? [] : [kind]))).toEqual([
        ...["execution.queued", "execution.started"],
        ...["step.started", "step.progress", "step.progress", "step.completed"],
        ...["step.started", "step.progress", "step.completed"],
        ...["step.started", "step.completed", "execution.completed"],
      ]);
    });

    test("has letters of two, three and four bytes whole, wherever the stream is cut into pieces", async ({ server, visitor }) => {
      const page = () => visitor("alice");
      await page();
      const stream = await streamOf(server, await server.run("alice", "tongues"));
      const listener = await listen(stream, page);
      await ended(listener);
      await listener.stop();
      isWhole(listener, await whole(stream));
      const letters = ["é", "中", "😀"];
      expect(texts(listener)).toEqual(Array.from({ length: 3_000 }, (_, n) => `${n + 1} ${letters[(n + 1) % 3].repeat((n + 1) % 41)}é中😀`));
    });

    test("is not misled by returns, ends of lines and fields inside what a step says", async ({ server, visitor }) => {
      const page = () => visitor("alice");
      await page();
      const word = "a\r\n\r\ndata: {}\n\nid: 10\n\n\u2028b";
      const stream = await streamOf(server, await server.run("alice", "snares", { word }));
      const listener = await listen(stream, page);
      await ended(listener);
      await listener.stop();
      isWhole(listener, await whole(stream));
      expect(facts(listener)[0]).toMatchObject({ params: { word }, steps: [{ name: "data: the snares" }, {}] });
      expect(texts(listener, "set")).toEqual([
        ...["data: boo", "id: 5", "event: boo", "retry: 1", ": boo", "", "data"],
        ...["with its return", "id: 6 30%", "one\u2028two\u2029three\u0085four\vfive\fsix", "\ufeffmarked", "null\ufffdbyte"],
        ...["a", "", "data: {}", "", "id: 10", "", "\u2028b"],
      ]);
      const progress = facts(listener).find(({ kind }) => kind === "step.progress");
      expect(progress).toMatchObject({ percent: 42.5, message: "up\u2028id: 7 data: {}" });
      const outputs = { lines: "one\n\ndata: two\nid: 8\n\r\u2028three", word: 'data: {"kind":"end"}' };
      expect(facts(listener).find(({ kind }) => kind === "step.completed")).toMatchObject({ outputs });
      expect(facts(listener).at(-1)).toMatchObject({ kind: "execution.failed", error: { message: "id: 9", exit_code: 3 } });
    });

    test("has each event once although its link is cut twice, the second time in the middle of a frame", async ({ server, wire, visitor }) => {
      const page = () => visitor("alice", { baseURL: wire.url });
      await page();
      const id = await server.run("alice", "chatter");
      const direct = new Curl(await streamOf(server, id));
      const stream = await streamOf(server, id, wire.url);
      const listener = await listen(stream, page);
      await heard(listener, "part 1, line 40");
      await until("all that there is", () => last(listener) === last(direct));

      wire.cut();
      server.open("part-1");
      await heard(direct, "part 2, line 40");
      wire.mend();
      await heard(listener, "part 2, line 40");
      await until("all that there is", () => last(listener) === last(direct));

      wire.cutAfter(1_000);
      server.open("part-2");
      await until("the wire is cut", () => !wire.whole);
      await heard(direct, "part 3, line 40");
      wire.mend();
      await heard(listener, "part 3, line 40");
      server.open("part-3", "part-4");
      await ended(listener);
      await listener.stop();
      await ended(direct);
      await direct.stop();

      isWhole(listener, direct, 3);
      const resumed = asked(wire, stream).map(({ head }) => /^last-event-id: (\d+)\r$/im.exec(head)?.[1]);
      expect(resumed.slice(0, 3)).toEqual(known(listener).map((id) => id?.toString()));
    });

    test("asks again when the time that `retry:` says is over, hears that there is no more, and stays away", async ({ server, wire, visitor }) => {
      const page = () => visitor("alice", { baseURL: wire.url });
      await page();
      const stream = await streamOf(server, await server.run("alice", "quick"), wire.url);
      const listener = await listen(stream, page);
      await ended(listener);
      const over = Date.now();
      await until("the client is told", () => listener.closed());
      expect(listener.statuses).toEqual([200, 204]);
      const [first, second] = asked(wire, stream);
      expect(second.head).toMatch(new RegExp(`^last-event-id: ${last(listener)}\r$`, "im"));

      const time = Number(/^retry: (\d+)$/m.exec(first.answer)?.[1]);
      expect(time).toBeGreaterThan(100);
      // Not every client tells it, and it counts for those that come back by themselves.
      for (const [n, { retry }] of listener.messages.entries()) if (retry) expect([n < 2, Number(retry)]).toEqual([true, time]);
      if (TELL_RETRY.includes(name)) expect(listener.messages.filter(({ retry }) => retry)).toHaveLength(1);
      if (BY_THEMSELVES.includes(name)) {
        expect(second.at - over).toBeGreaterThan(time - 200);
        expect(second.at - over).toBeLessThan(time + 1_500);
        await new Promise((resolve) => setTimeout(resolve, time + 500));
      }
      expect(asked(wire, stream)).toHaveLength(2);
      expect(await listener.closed()).toBe(true);
      await listener.stop();
    });
  });
}
