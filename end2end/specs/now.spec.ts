import { expect, test } from "../fixtures.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { NowPage } from "../pages/now.ts";
import { WorkflowPage } from "../pages/workflow.ts";

test("what runs appears by itself in another browser, moves on, and ends among what has ended", async ({ server, visitor }) => {
  const watcher = await visitor("alice");
  const list = new NowPage(watcher);
  await list.open();
  const nothing = watcher.getByRole("heading", { name: "Nothing has run yet" });
  await expect(nothing).toBeVisible();

  const starter = await visitor("alice");
  const workflow = new WorkflowPage(starter);
  await workflow.open("assemble");
  await workflow.field("part").fill("cog");
  await workflow.run.click();

  await expect(list.running).toHaveCount(1);
  await expect(nothing).toBeHidden();
  const row = list.running.first();
  await expect(row.getByRole("link", { name: "assemble" })).toBeVisible();
  await expect(row).toContainText("Fetch the parts 1 of 3");
  await expect(row).toContainText("looking for cog");
  await expect(row.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "6.6");
  await expect(watcher).toHaveTitle("1 running · Runcast");

  server.open("found", "fetched");
  await expect(row).toContainText("Build the thing 2 of 3");
  await expect(row.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");

  server.open("built");
  await expect(list.ended).toHaveCount(1);
  await expect(list.running).toHaveCount(0);
  await expect(list.ended.getByRole("img", { name: "Succeeded" })).toBeVisible();
  await list.ended.getByRole("link", { name: "assemble" }).click();
  await expect(watcher.getByRole("heading", { level: 1, name: "assemble" })).toBeVisible();
});

test("a failure brings its first words into the list", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new NowPage(page);
  await list.open();
  server.open("broken");
  await server.run("alice", "breaks");
  await expect(list.ended).toHaveCount(1);
  await expect(list.ended.getByRole("img", { name: "Failed" })).toBeVisible();
  await expect(list.ended).toContainText("migrate: table invoices cannot be read");
});

test.describe("with room for one at a time", () => {
  test.use({ flags: ["--max-executions", "1"] });

  test("what waits for its turn stands under Queued, and moves up when it comes", async ({ server, visitor }) => {
    const page = await visitor("alice");
    const list = new NowPage(page);
    await list.open();
    await server.run("alice", "waits");
    await server.run("alice", "waits", { gate: "second" });
    await expect(list.running).toHaveCount(1);
    await expect(list.queued).toHaveCount(1);
    await expect(list.queued).toContainText("next in line, the server runs as many as it may");
    server.open("go");
    await expect(list.ended).toHaveCount(1);
    await expect(list.running).toHaveCount(1);
    await expect(list.queued).toHaveCount(0);
    server.open("second");
    await expect(list.ended).toHaveCount(2);
    await expect(list.running).toHaveCount(0);
  });
});

test("what is tried again stands under Needs a look, with the reason first, and leaves when it is well", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const now = new NowPage(page);
  await now.open();
  await server.run("alice", "flaky");
  await server.run("alice", "waits");
  const look = now.group("Needs a look");
  await expect(look).toHaveCount(1);
  await expect(look).toContainText("flaky");
  await expect(look).toContainText(/the line is busy · attempt 2/);
  await expect(now.group("On course")).toHaveCount(1);
  await expect(now.counts).toContainText("1 to look at");
  await expect(page).toHaveTitle("2 running, 1 needs a look · Runcast");
  await now.counts.getByRole("link", { name: "to look at" }).click();
  await expect(page).toHaveURL("/#attention");
  server.open("again");
  await expect(now.ended).toHaveCount(1);
  await expect(look).toHaveCount(0);
});

test("no row moves while the pointer or the focus is on the rows, and all do when it leaves", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const now = new NowPage(page);
  await server.run("alice", "waits");
  await server.run("alice", "assemble", { part: "cog" });
  await now.open();
  await expect(now.running).toHaveCount(2);
  const row = now.running.filter({ hasText: "assemble" });
  await row.hover();
  const before = await row.boundingBox();
  server.open("go");
  await server.run("alice", "waits", { gate: "never" });
  await expect(now.waiting).toBeVisible();
  await expect(now.counts.getByRole("link", { name: "running" })).toContainText("2");
  await expect(now.running).toHaveCount(2);
  expect(await row.boundingBox()).toEqual(before);
  await expect(now.running.filter({ hasText: "succeeded" })).toHaveCount(1);

  // The focus holds them as well.
  await row.getByRole("link").focus();
  await page.mouse.move(0, 0);
  await expect(now.ended).toHaveCount(0);
  await page.getByRole("link", { name: "Run a workflow" }).focus();
  await expect(now.ended).toHaveCount(1);
  await expect(now.running).toHaveCount(2);
  await expect(now.waiting).toBeHidden();
});

test("counts are links to what they count", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("broken");
  for (const workflow of ["quick", "breaks", "quick"]) {
    const id = await server.run("alice", workflow);
    await server.reaches("alice", id, workflow === "breaks" ? "execution.failed" : "execution.completed");
  }
  await server.run("alice", "waits");
  const now = new NowPage(page);
  const list = new ExecutionsPage(page);
  for (const [name, count, status] of [
    [/1 running/, 1, "Running"],
    [/2 succeeded/, 2, "Succeeded"],
    [/1 failed/, 1, "Failed"],
  ] as const) {
    await now.open();
    await now.counts.getByRole("link", { name }).click();
    await expect(page).toHaveURL(/\/executions\?status=/);
    await expect(list.rows).toHaveCount(count);
    await expect(list.withStatus(status)).toHaveCount(count);
  }
});

test("the last hour is a strip: each run a bar that says what it is, by the pointer and the keyboard, and opens", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("broken");
  await server.reaches("alice", await server.run("alice", "breaks"), "execution.failed");
  const now = new NowPage(page);
  await now.open();
  await expect(now.strip).toHaveCount(1);
  await server.run("alice", "waits");
  await expect(now.strip).toHaveCount(2);
  const failed = now.strip.filter({ visible: true }).and(page.getByRole("link", { name: /^breaks: failed, / }));
  await failed.hover();
  await expect(page.locator(".activity-strip output")).toContainText("breaks: failed");
  const runs = page.getByRole("link", { name: "waits: running" });
  await runs.focus();
  await page.keyboard.press("ArrowLeft");
  await expect(failed).toBeFocused();
  await expect(page.locator(".activity-strip output")).toContainText("breaks: failed");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "breaks" })).toBeVisible();
});

test("rows glide to another place, which no layout shift is, unless the reader wants nothing to move", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const now = new NowPage(page);
  await server.run("alice", "chatter");
  await server.run("alice", "waits");
  await now.open();
  await page.mouse.move(0, 0);
  await expect(now.running).toHaveCount(2);
  await page.evaluate(() => {
    const seen = ((window as unknown as { seen: { moved: number; glides: number } }).seen = { moved: 0, glides: 0 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { sources } = entry as unknown as { sources: { node?: Node; previousRect: DOMRect; currentRect: DOMRect }[] };
        // Words of a row or a heading get longer and shorter where they stand.
        seen.moved += sources.filter(({ previousRect: was, currentRect: is }) => Math.abs(was.y - is.y) > 1).length;
      }
    }).observe({ type: "layout-shift" });
    const look = () => {
      seen.glides += document.querySelector(".now-lists")!.getAnimations({ subtree: true }).filter((one) => !(one instanceof CSSTransition || one instanceof CSSAnimation)).length;
      requestAnimationFrame(look);
    };
    look();
  });
  // Of two glides at once the browser does not know what they come to together.
  const settled = () => expect.poll(() => page.evaluate(() => document.querySelector(".now-lists")!.getAnimations({ subtree: true }).length)).toBe(0);
  const seen = () => page.evaluate(() => (window as unknown as { seen: { moved: number; glides: number } }).seen);
  server.open("broken");
  await server.reaches("alice", await server.run("alice", "breaks"), "execution.failed");
  await expect(now.ended).toHaveCount(1);
  await settled();
  await server.run("alice", "assemble", { part: "cog" });
  await expect(now.running).toHaveCount(3);
  await settled();
  await server.run("alice", "quick");
  await expect(now.ended).toHaveCount(2);
  await settled();
  await expect.poll(async () => (await seen()).glides).toBeGreaterThan(0);
  expect((await seen()).moved).toBe(0);

  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.evaluate(() => ((window as unknown as { seen: { glides: number } }).seen.glides = 0));
  await server.run("alice", "quick");
  await expect(now.ended).toHaveCount(3);
  expect((await seen()).glides).toBe(0);
});

test("nothing jumps while executions make progress, or end under the pointer", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const now = new NowPage(page);
  await server.run("alice", "chatter");
  await server.run("alice", "assemble", { part: "cog" });
  await now.open();
  await expect(now.running).toHaveCount(2);
  await now.running.first().hover();
  await page.evaluate(() => {
    const shifts: string[] = ((window as unknown as { shifts: string[] }).shifts = []);
    // What a row says may become longer or shorter in its cell; the row itself, and all around the rows, stays.
    const within = (node: Node) => {
      const element = node instanceof Element ? node : node.parentElement;
      const row = element?.closest(".execution-row");
      return row != null && row !== node;
    };
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { sources } = entry as unknown as { sources: { node?: Node }[] };
        for (const { node } of sources) if (node && !within(node)) shifts.push((node as Element).outerHTML ?? node.textContent);
      }
    }).observe({ type: "layout-shift" });
  });
  const bar = now.running.filter({ hasText: "chatter" }).getByRole("progressbar");
  for (const [part, value] of [[1, "20"], [2, "30"], [3, "40"]] as const) {
    server.open(`part-${part}`);
    await expect(bar).toHaveAttribute("aria-valuenow", value);
  }
  server.open("part-4", "found", "fetched", "built");
  await expect(now.counts).toContainText("2 succeeded");
  // Two more ticks of the clock, on which rows would be arranged.
  const clock = page.locator(".page-header time");
  for (let tick = 0; tick < 2; tick += 1) await expect(clock).not.toHaveText(await clock.innerText());
  expect(await page.evaluate(() => (window as unknown as { shifts: string[] }).shifts)).toEqual([]);
});

test("a window of another size moves all at once: nothing glides from where it was in the old one", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const now = new NowPage(page);
  await server.run("alice", "chatter");
  await server.run("alice", "waits");
  server.open("broken");
  await server.reaches("alice", await server.run("alice", "breaks"), "execution.failed");
  await now.open();
  await page.mouse.move(0, 0);
  await expect(now.running).toHaveCount(2);
  await page.evaluate(() => {
    const farthest = ((window as unknown as { farthest: number[] }).farthest = []) as number[];
    const look = () => {
      for (const one of document.querySelector(".now-lists")!.getAnimations({ subtree: true })) {
        const from = (one.effect as KeyframeEffect).getKeyframes()[0]!.translate;
        if (typeof from === "string") farthest.push(Math.abs(Number.parseFloat(from.split(" ")[1]!)));
      }
      requestAnimationFrame(look);
    };
    look();
  });
  const farthest = () => page.evaluate(() => (window as unknown as { farthest: number[] }).farthest);
  const high = async () => (await now.running.first().boundingBox())!.height;
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(high).toBeGreaterThan(60);
  expect(await farthest()).toEqual([]);
  // What comes now moves the others by what it takes, not by what the new size did.
  const ended = async () => (await now.ended.first().boundingBox())!.y;
  const before = await ended();
  await server.run("alice", "assemble", { part: "cog" });
  await expect(now.running).toHaveCount(3);
  await expect.poll(async () => (await farthest()).length).toBeGreaterThan(0);
  await expect.poll(() => page.evaluate(() => document.querySelector(".now-lists")!.getAnimations({ subtree: true }).length)).toBe(0);
  // A row's words may take another line meanwhile.
  expect(Math.abs(Math.max(...(await farthest())) - ((await ended()) - before))).toBeLessThan(15);
});
