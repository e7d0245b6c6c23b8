import { Curl, until } from "../clients.ts";
import { UNREACHABLE, expect, test as base } from "../fixtures.ts";
import { Nginx } from "../nginx.ts";
import { ExecutionPage } from "../pages/execution.ts";

/** What stands in nginx's `location` beside its defaults, under which it asks the server by HTTP/1.0. */
const VARIANTS: Record<string, string[]> = {
  "nginx as it is": [],
  "nginx with HTTP/1.1": ["proxy_http_version 1.1;"],
};

const test = base.extend<{ before: (settings: string[]) => Promise<Nginx> }>({
  before: async ({ server }, use) => {
    const started: Nginx[] = [];
    await use(async (settings) => {
      const nginx = new Nginx(server.url, settings);
      started.push(nginx);
      await nginx.start();
      return nginx;
    });
    for (const nginx of started) await nginx.remove();
  },
});

const facts = (curl: Curl) => curl.messages.filter(({ id }) => id);
/** When it came. */
const cameAt = (curl: Curl, text: string) => curl.times[curl.messages.findIndex(({ data }) => data.includes(`"${text}"`))];

for (const [name, settings] of Object.entries(VARIANTS)) {
  test(`${name} passes each line on at once, and the end; who comes again gets the rest`, async ({ server, before }) => {
    await server.addUser("alice");
    const nginx = await before(settings);
    const id = await server.run("alice", "chatter");
    const token = await server.token("alice");
    const path = `/api/executions/${id}/events`;
    const stream = { url: nginx.url + path, token };
    const curl = new Curl(stream);
    await curl.hears("part 1, line 40");
    // Each is seen while the step waits at the next gate: nothing pushes it through.
    for (const part of [2, 3]) {
      const opened = Date.now();
      server.open(`part-${part - 1}`);
      await curl.hears(`part ${part}, line 40`);
      expect(cameAt(curl, `part ${part}, line 40`) - opened).toBeLessThan(500);
      expect(curl.texts()).toHaveLength(40 * part);
      expect((await server.snapshot("alice", id)).status).toBe("running");
    }

    const after = curl.facts[3].seq;
    const again = new Curl(stream, after);
    await again.hears("part 3, line 40");
    server.open("part-3", "part-4");
    for (const one of [curl, again]) await one.isDone();
    const direct = await Curl.whole({ url: server.url + path, token });
    expect(facts(curl)).toEqual(facts(direct));
    expect(facts(again)).toEqual(facts(direct).slice(4));
    expect(nginx.errors).toBe("");
  });

  test(`the page lives behind ${name}`, async ({ server, before, visitor, troubles }) => {
    troubles.meant(UNREACHABLE);
    const nginx = await before(settings);
    const page = await visitor("alice", { baseURL: nginx.url });
    const id = await server.run("alice", "assemble", { part: "cog" });
    const execution = new ExecutionPage(page);
    await execution.open(id);
    const fetching = execution.step("Fetch the parts").getByRole("progressbar");
    await expect(fetching).toHaveAttribute("aria-valuenow", "20");
    server.open("found");
    await expect(fetching).toHaveAttribute("aria-valuenow", "60");
    await expect(execution.status).toHaveText("Running");
    server.open("fetched", "built");
    await expect(execution.status).toHaveText("Succeeded");
    await expect(execution.lines).toHaveCount(5);
  });
}

test("an idle stream begins at once behind nginx, and its heartbeats pass", async ({ server, before }) => {
  await server.addUser("alice");
  const token = await server.token("alice");
  const all = await Promise.all(Object.values(VARIANTS).map(before));
  const asked = Date.now();
  const streams = all.map(({ url }) => new Curl({ url: `${url}/api/events`, token }));
  for (const curl of streams) {
    await until("the first words", () => curl.messages.length > 0);
    expect(curl.times[0] - asked).toBeLessThan(500);
  }
  for (const curl of streams) {
    await until("a heartbeat", () => curl.count("heartbeat") > 0, 20_000);
    expect(curl.said.map(({ kind }) => kind)).toEqual(["hello", "caught_up", "heartbeat"]);
    await curl.stop();
  }
});
