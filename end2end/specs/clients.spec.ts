import type { Page } from "@playwright/test";
import { Chromium, Curl, type Listener, Npm, Python, type Stream, until } from "../clients.ts";
import { PASSWORD, UNREACHABLE, expect, test as base } from "../fixtures.ts";
import type { Server } from "../server.ts";
import type { Wire } from "../wire.ts";

/** Clients of event streams that nobody here wrote. `signIn` gives a page where alice has signed in. */
const CLIENTS: Record<string, (stream: Stream, signIn: () => Promise<Page>) => Listener | Promise<Listener>> = {
  "Chromium's EventSource": async (stream, signIn) => await Chromium.open(await signIn(), stream),
  "npm's eventsource": (stream) => new Npm(stream),
  "Python's httpx-sse": (stream) => new Python("with_httpx_sse.py", stream),
  "Python's sseclient-py": (stream) => new Python("with_sseclient.py", stream),
  curl: (stream) => new Curl(stream),
};
const BY_THEMSELVES = ["Chromium's EventSource", "npm's eventsource"];
const TELL_RETRY = ["Python's httpx-sse", "curl"];

const test = base.extend<{ listen: (client: string, stream: Stream) => Promise<Listener> }>({
  listen: async ({ stranger }, use) => {
    const listeners: Listener[] = [];
    await use(async (client, stream) => {
      const listener = await CLIENTS[client](stream, async () => {
        const page = await stranger({ baseURL: new URL(stream.url).origin });
        await page.context().request.post("/api/login", { data: { name: "alice", password: PASSWORD } });
        return page;
      });
      listeners.push(listener);
      return listener;
    });
    for (const listener of listeners) await listener.stop();
  },
});

test.beforeEach(async ({ server, troubles }) => {
  await server.addUser("alice");
  troubles.meant(UNREACHABLE);
});

const streamOf = async (server: Server, id: string, base = server.url): Promise<Stream> => ({
  url: `${base}/api/executions/${id}/events`,
  token: await server.token("alice"),
});

/** The last id that it had when a stream began, for each of them. */
const known = (listener: Listener) =>
  listener.said.flatMap(({ kind }, n, said) => (kind === "hello" ? [said.slice(0, n).findLast(({ seq }) => seq)?.seq] : []));
/** What was asked of a stream through the wire. */
const asked = (wire: Wire, { url }: Stream) => wire.asked.filter(({ head }) => head.startsWith(`GET ${new URL(url).pathname}`));

/** The client heard all that curl has, once, in order, between the words that begin and end a stream. */
function isWhole(listener: Listener, curl: Curl, streams = 1) {
  const said = listener.said.filter(({ kind }) => kind !== "heartbeat");
  expect(said[0]).toMatchObject({ kind: "hello", user: "alice" });
  expect(said.at(-1)).toEqual({ kind: "end", reason: "finished" });
  expect(listener.count("hello")).toBe(streams);
  expect(listener.count("end")).toBe(1);
  if (streams === 1) expect(listener.count("caught_up")).toBe(1);
  expect(listener.count("reset")).toBe(0);

  const messages = listener.messages.filter(({ data }) => data && "seq" in JSON.parse(data));
  const ids = messages.map(({ id }) => Number(id));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  expect(ids).toEqual(listener.facts.map((fact) => fact.seq));
  for (const { event } of listener.messages) expect(event || "message").toBe("message");
  expect(messages.map(({ data }) => data)).toEqual(curl.messages.filter(({ id }) => id).map(({ data }) => data));
}

for (const name of Object.keys(CLIENTS)) {
  test.describe(name, () => {
    test("hears a run from its first fact to its last, while it happens and afterwards", async ({ server, listen }) => {
      const id = await server.run("alice", "assemble", { part: "cog" });
      const stream = await streamOf(server, id);
      const live = await listen(name, stream);
      await live.hears("fetching 3 of cog");
      await until("the present", () => live.count("caught_up") === 1);
      await until("its progress", () => live.facts.some(({ message }) => message === "looking for cog"));
      server.open("found");
      await until("more progress", () => live.facts.some(({ message }) => message === "half of it is here"));
      server.open("fetched", "built");
      await live.ends();
      await live.stop();

      const curl = await Curl.whole(stream);
      isWhole(live, curl);
      const later = await listen(name, stream);
      await later.ends();
      await later.stop();
      isWhole(later, curl);
      // How lines are put together is not promised.
      expect(curl.facts.flatMap(({ kind }) => (kind === "step.output" ? [] : [kind]))).toEqual([
        ...["execution.queued", "execution.started"],
        ...["step.started", "step.progress", "step.progress", "step.completed"],
        ...["step.started", "step.progress", "step.completed"],
        ...["step.started", "step.completed", "execution.completed"],
      ]);
    });

    test("has letters of two, three and four bytes whole, wherever the stream is cut into pieces", async ({ server, listen }) => {
      const stream = await streamOf(server, await server.run("alice", "tongues"));
      const listener = await listen(name, stream);
      await listener.ends();
      await listener.stop();
      isWhole(listener, await Curl.whole(stream));
      const letters = ["é", "中", "😀"];
      expect(listener.texts()).toEqual(Array.from({ length: 3_000 }, (_, n) => `${n + 1} ${letters[(n + 1) % 3].repeat((n + 1) % 41)}é中😀`));
    });

    test("is not misled by returns, ends of lines and fields inside what a step says", async ({ server, listen }) => {
      const word = "a\r\n\r\ndata: {}\n\nid: 10\n\n\u2028b";
      const stream = await streamOf(server, await server.run("alice", "snares", { word }));
      const listener = await listen(name, stream);
      await listener.ends();
      await listener.stop();
      isWhole(listener, await Curl.whole(stream));
      expect(listener.facts[0]).toMatchObject({ params: { word }, steps: [{ name: "data: the snares" }, {}] });
      expect(listener.texts("set")).toEqual([
        ...["data: boo", "id: 5", "event: boo", "retry: 1", ": boo", "", "data"],
        ...["with its return", "id: 6 30%", "one\u2028two\u2029three\u0085four\vfive\fsix", "\ufeffmarked", "null\ufffdbyte"],
        ...["a", "", "data: {}", "", "id: 10", "", "\u2028b"],
      ]);
      // The line that was drawn again is a bar; what the step says itself comes after it.
      const progress = listener.facts.findLast(({ kind }) => kind === "step.progress");
      expect(progress).toMatchObject({ source: "reported", percent: 42.5, message: "up\u2028id: 7 data: {}" });
      const outputs = { lines: "one\n\ndata: two\nid: 8\n\r\u2028three", word: 'data: {"kind":"end"}' };
      expect(listener.facts.find(({ kind }) => kind === "step.completed")).toMatchObject({ outputs });
      expect(listener.facts.at(-1)).toMatchObject({ kind: "execution.failed", error: { message: "id: 9", exit_code: 3 } });
    });

    test("has each event once although its link is cut twice, the second time in the middle of a frame", async ({ server, wire, listen }) => {
      const id = await server.run("alice", "chatter");
      const direct = new Curl(await streamOf(server, id));
      const stream = await streamOf(server, id, wire.url);
      const listener = await listen(name, stream);
      await listener.hears("part 1, line 40");
      await until("all that there is", () => listener.last === direct.last);

      wire.cut();
      server.open("part-1");
      await direct.hears("part 2, line 40");
      wire.mend();
      await listener.hears("part 2, line 40");
      await until("all that there is", () => listener.last === direct.last);

      wire.cutAfter(1_000);
      server.open("part-2");
      await until("the wire is cut", () => !wire.whole);
      await direct.hears("part 3, line 40");
      wire.mend();
      await listener.hears("part 3, line 40");
      server.open("part-3", "part-4");
      await listener.ends();
      await listener.stop();
      await direct.isDone();

      isWhole(listener, direct, 3);
      const resumed = asked(wire, stream).map(({ head }) => /^last-event-id: (\d+)\r$/im.exec(head)?.[1]);
      expect(resumed.slice(0, 3)).toEqual(known(listener).map((id) => id?.toString()));
    });

    test("asks again when the time that `retry:` says is over, hears that there is no more, and stays away", async ({ server, wire, listen }) => {
      const id = await server.run("alice", "quick");
      const { facts } = await Curl.whole(await streamOf(server, id));
      // What it knows at last counts, not what its address says.
      const stream = { ...(await streamOf(server, id, wire.url)), after: facts[1].seq };
      const listener = await listen(name, stream);
      await listener.ends();
      expect(listener.facts).toEqual(facts.slice(2));
      const over = listener.times.at(-1)!;
      await until("the client is told", () => listener.closed());
      await expect.poll(() => listener.statuses).toEqual([200, 204]);
      const [first, second] = asked(wire, stream);
      expect(second.head).toMatch(new RegExp(`^last-event-id: ${listener.last}\r$`, "im"));

      const time = Number(/^retry: (\d+)$/m.exec(first.answer)?.[1]);
      expect(time).toBeGreaterThan(100);
      // Not every client tells it, and it counts for those that come back by themselves.
      for (const [n, { retry }] of listener.messages.entries()) if (retry) expect([n < 2, Number(retry)]).toEqual([true, time]);
      if (TELL_RETRY.includes(name)) expect(listener.messages.filter(({ retry }) => retry)).toHaveLength(1);
      if (BY_THEMSELVES.includes(name)) {
        expect(second.at - over).toBeGreaterThan(time - 200);
        expect(second.at - over).toBeLessThan(time + 2_000);
        await new Promise((resolve) => setTimeout(resolve, time + 500));
      }
      expect(asked(wire, stream)).toHaveLength(2);
      expect(await listener.closed()).toBe(true);
    });
  });
}
