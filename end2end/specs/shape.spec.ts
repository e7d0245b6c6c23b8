import type { Page } from "@playwright/test";
import { isFine } from "../fine.ts";
import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import type { Server } from "../server.ts";

/** Steps side by side, and one that needs two of them; it waits at a gate. */
const fork = (gates: string) => `steps:
  - { id: get, name: Get it, run: sleep 0.1 }
  - { id: left, name: Left hand, needs: [get], run: sleep 0.6 }
  - { id: right, name: Right hand, needs: [get], run: sleep 0.1 }
  - id: join
    name: Join hands
    needs: [left, right]
    run: until [ -e "${gates}/joined" ] || [ ! -d "${gates}" ]; do sleep 0.02; done
  - { id: aside, name: Stand aside, needs: [get], run: true }
`;

/** Runs a workflow that was written just now. */
async function runs(server: Server, name: string, text: string) {
  server.write(name, text);
  let id = "";
  await expect(async () => (id = await server.run("alice", name))).toPass();
  return id;
}

const bars = (page: ExecutionPage, name: string) => page.step(name).locator('[data-part="attempt"]');

/** Where something is drawn. */
async function box(page: ExecutionPage, name: string) {
  return (await bars(page, name).last().boundingBox())!;
}

test("a row for each step, whose bar moves while it works", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  await page.open(await server.run("alice", "assemble", { part: "cog" }));
  const fetch = page.step("Fetch the parts");
  await expect(bars(page, "Fetch the parts")).toHaveAttribute("data-status", "running");
  await expect(bars(page, "Fetch the parts")).toHaveAttribute("data-source", "reported");
  await expect(fetch).toContainText("20%");
  await expect(bars(page, "Build the thing")).toHaveCount(0);
  server.open("found", "fetched");
  await expect(bars(page, "Fetch the parts")).toHaveAttribute("data-status", "succeeded");
  await expect(bars(page, "Build the thing")).toHaveAttribute("data-status", "running");
  server.open("built");
  await expect(page.status).toHaveText("Succeeded");
  // One after the other on one axis, from its left end on.
  const [first, second] = [await box(page, "Fetch the parts"), await box(page, "Build the thing")];
  const lane = (await page.step("Fetch the parts").getByRole("progressbar").boundingBox())!;
  expect(first.width).toBeGreaterThan(2);
  expect(second.x).toBeGreaterThanOrEqual(first.x + first.width - 2);
  expect(second.x + second.width).toBeLessThanOrEqual(lane.x + lane.width + 2);
  await expect(page.step("Ship it").getByRole("progressbar")).toHaveAttribute("aria-valuetext", "Succeeded, 100 percent");
});

test("each attempt is a bar, with dots while the next one waits", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  await page.open(await server.run("alice", "flaky"));
  const step = page.step("Try it");
  await expect(bars(page, "Try it").first()).toHaveAttribute("data-status", "failed");
  await expect(step.locator('[data-part="wait"]')).toHaveCount(1);
  await expect(step).toContainText("the line is busy");
  await page.row("Try it").click();
  await expect(page.inspector).toContainText("attempt 1 failed after");
  await expect(bars(page, "Try it")).toHaveCount(2);
  server.open("again");
  await expect(page.status).toHaveText("Succeeded");
  await expect(bars(page, "Try it").last()).toHaveAttribute("data-status", "succeeded");
  await expect(page.inspector).toContainText("attempt 2");
});

test("once there was a good run, the next one is drawn over it", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  const first = await server.run("alice", "quick");
  await server.reaches("alice", first, "execution.completed");
  await page.open(first);
  const ghosts = page.page.locator('[data-part="ghost"]');
  await expect(bars(page, "Say it")).toHaveCount(1);
  await expect(ghosts).toHaveCount(0);
  const second = await server.run("alice", "quick");
  await server.reaches("alice", second, "execution.completed");
  await page.open(second);
  await expect(ghosts).toHaveCount(1);
  await expect(ghosts).toHaveAttribute("title", /^usually \d/);
  await expect(page.page.getByText("each step’s last success")).toBeVisible();
});

test("what needs what is shown with the pointer and with the focus, and a thread leads along what decides the end", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  const id = await runs(server, "fork", fork(server.gates));
  await page.open(id);
  await expect(page.step("Join hands")).toHaveAttribute("data-status", "running");
  const relations = () => page.steps.evaluateAll((steps) => steps.map((step) => step.getAttribute("data-relation")));
  await page.step("Left hand").hover();
  await expect.poll(relations).toEqual(["need", "self", null, "then", null]);
  await page.page.mouse.move(0, 0);
  await expect.poll(relations).toEqual([null, null, null, null, null]);
  await page.row("Join hands").focus();
  await expect.poll(relations).toEqual([null, "need", "need", "self", null]);
  // From Get it to Left hand, and from there over the row between to Join hands.
  const threads = page.page.locator('.step-timeline [data-over] em');
  await expect(threads).toHaveCount(2);
  const rows = await threads.evaluateAll((all) => all.map((one) => getComputedStyle(one).getPropertyValue("--rows").trim()));
  expect(rows).toEqual(["1", "2"]);
});

test("what is said of a step is never written over a bar, and is heard where there is no room for it", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  const words = "a reason that is long enough to need half of the lane, at least on a desk of the usual width";
  const failing = (id: string, sleep: number, needs: string) => `  - { id: ${id}, needs: [${needs}], continue-on-error: true, run: 'sleep ${sleep}; echo "::error::${words}"; exit 3' }`;
  const id = await runs(server, "wordy", ["steps:", failing("short", 0.05, ""), failing("long", 1.2, "short"), failing("late", 0.05, "long"), failing("whole", 1.3, "")].join("\n"));
  await server.reaches("alice", id, "execution.completed");
  for (const width of [1440, 1024, 390]) {
    await page.page.setViewportSize({ width, height: 900 });
    await page.open(id);
    const rows = await page.steps.evaluateAll((rows) =>
      rows.map((row) => {
        const box = (part: string) => row.querySelector(`[data-part="${part}"]`)?.getBoundingClientRect();
        const [note, bar] = [box("note"), box("attempt")!];
        const side = row.querySelector<HTMLElement>('[data-part="note"]')?.dataset.side;
        const over = note && side !== "none" && note.left < bar.right - 1 && note.right > bar.left + 1 && note.top < bar.bottom && note.bottom > bar.top;
        return { side, over, said: row.textContent?.includes("a reason that is long enough") };
      }),
    );
    expect(rows.map((row) => [row.over, row.said]), `at ${width} pixels`).toEqual(Array(4).fill([false, true]));
    // One begins the run, and one ends it.
    if (width === 1440) expect([rows[0]?.side, rows[2]?.side]).toEqual(["after", "before"]);
  }
});

test("a step is chosen and let go of with the keyboard, and the output follows", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  server.open("found", "fetched", "built");
  const id = await server.run("alice", "assemble", { part: "cog" });
  await server.reaches("alice", id, "execution.completed");
  await page.open(id);
  await expect(page.lines).toHaveCount(5);
  await page.row("Fetch the parts").focus();
  await page.page.keyboard.press("ArrowDown");
  await expect(page.row("Build the thing")).toBeFocused();
  await page.page.keyboard.press("Enter");
  await expect(page.row("Build the thing")).toHaveAttribute("aria-pressed", "true");
  await expect(page.inspector.getByRole("heading")).toHaveText("Build the thing");
  await expect(page.lines).toHaveCount(3);
  await page.page.keyboard.press("End");
  await expect(page.row("Ship it")).toBeFocused();
  await page.page.keyboard.press("Escape");
  await expect(page.row("Build the thing")).toHaveAttribute("aria-pressed", "false");
  await expect(page.lines).toHaveCount(5);
});

test("the same steps are a graph, by the address and without going anywhere", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  const id = await runs(server, "fork", fork(server.gates));
  await page.open(id);
  await page.page.getByRole("navigation", { name: "View of the steps" }).getByRole("link", { name: "Graph" }).click();
  await expect(page.page).toHaveURL(`/executions/${id}?view=graph`);
  await expect(page.graph).toHaveAccessibleName("Graph of 5 steps in 3 layers");
  await expect(page.node("Join hands")).toHaveAttribute("data-status", "running");
  server.open("joined");
  await expect(page.node("Join hands")).toHaveAttribute("data-status", "succeeded");
  await page.page.reload();
  await page.isLive();
  await expect(page.graph).toBeVisible();
  await page.page.getByRole("link", { name: "Timeline" }).click();
  await expect(page.page).toHaveURL(`/executions/${id}`);
  await expect(page.graph).toBeHidden();
  await expect(page.row("Join hands")).toBeVisible();
});

test("another drawing of the steps leaves the output as it is: the line, the step, the place on the page", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  const id = await server.run("alice", "chatter");
  server.open("part-1", "part-2", "part-3", "part-4");
  await server.reaches("alice", id, "execution.completed");
  await page.goto(`/executions/${id}?step=talk#L150`);
  await execution.isLive();
  await expect(page.locator("#L150")).toBeInViewport();
  await page.getByRole("link", { name: "Graph" }).scrollIntoViewIfNeeded();
  const top = await page.evaluate(() => scrollY);
  await page.getByRole("link", { name: "Graph" }).click();
  await expect(execution.graph).toBeVisible();
  await expect(page).toHaveURL(`/executions/${id}?step=talk&view=graph#L150`);
  expect(await page.evaluate(() => scrollY)).toBe(top);
  await expect(page.getByRole("combobox", { name: "Steps shown" })).toHaveValue("talk");
  await expect(page.locator("#L150")).toHaveAttribute("data-chosen", "true");
  await page.reload();
  await execution.isLive();
  await expect(execution.graph).toBeVisible();
  await expect(page.locator("#L150")).toBeInViewport();
});

test("arrows go along the needs and within a layer, and Enter chooses", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  server.open("joined");
  const id = await runs(server, "fork", fork(server.gates));
  await server.reaches("alice", id, "execution.completed");
  await page.openGraph(id);
  const press = async (key: string, name: string) => {
    await page.page.keyboard.press(key);
    await expect(page.node(name)).toBeFocused();
  };
  await page.node("Join hands").focus();
  await press("ArrowLeft", "Left hand");
  await press("ArrowDown", "Right hand");
  await press("ArrowUp", "Left hand");
  await press("ArrowLeft", "Get it");
  await press("ArrowRight", "Right hand");
  await page.page.keyboard.press("Enter");
  await expect(page.node("Right hand")).toHaveAttribute("aria-pressed", "true");
  await expect(page.inspector).toContainText("Join hands");
});

test("a large graph can be zoomed, has a map, and shows badges only from afar", async ({ server, visitor }) => {
  const steps = Array.from({ length: 60 }, (_, n) => {
    const needs = n < 5 ? "[]" : `[s${n - 5}, s${n - 1 - (n % 4)}]`;
    return `  - { id: s${n}, run: "true", needs: ${needs} }`;
  });
  const page = new ExecutionPage(await visitor("alice"));
  const id = await runs(server, "large", `steps:\n${steps.join("\n")}\n`);
  await server.reaches("alice", id, "execution.completed");
  await page.openGraph(id);
  const zoom = page.graph.getByRole("status");
  const map = page.graph.locator('[data-part="map"]');
  await expect(zoom).toHaveText("100%");
  await expect(map).toBeVisible();
  await page.node("s0").first().focus();
  await page.page.keyboard.press("-");
  await expect(zoom).toHaveText("80%");
  await page.page.keyboard.press("0");
  await expect(zoom).not.toHaveText("80%");
  await expect(map).toBeHidden();
  await expect(page.graph).toHaveAttribute("data-far", "");
  await page.graph.getByRole("button", { name: "Larger" }).click();
  await expect(map).toBeVisible();
});

/** How much of the page has moved by itself since it was opened. */
async function watchShifts(page: Page) {
  await page.addInitScript(() => {
    Object.assign(window, { moved: 0 });
    new PerformanceObserver((list) => {
      for (const one of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!one.hadRecentInput) (window as unknown as { moved: number }).moved += one.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

for (const view of ["timeline", "graph"] as const) {
  test(`nothing jumps while an execution runs, in the ${view}`, async ({ server, visitor }) => {
    const page = new ExecutionPage(await visitor("alice"));
    const id = await runs(server, "fork", fork(server.gates));
    await watchShifts(page.page);
    await (view === "graph" ? page.openGraph(id) : page.open(id));
    const join = view === "graph" ? page.node("Join hands") : page.step("Join hands");
    await expect(join).toHaveAttribute("data-status", "running");
    const before = await page.page.evaluate(() => (window as unknown as { moved: number }).moved);
    server.open("joined");
    await expect(join).toHaveAttribute("data-status", "succeeded");
    const steps = view === "graph" ? page.graph : page.page.getByRole("region", { name: "Timeline of steps" });
    await expect(steps).toBeVisible();
    const after = await page.page.evaluate(() => (window as unknown as { moved: number }).moved);
    expect(before).toBeLessThan(0.05);
    expect(after - before).toBeLessThan(0.05);
  });

  test(`the ${view} is accessible and fits the screen`, async ({ server, visitor }) => {
    const page = new ExecutionPage(await visitor("alice"));
    const open = async (id: string) => await (view === "graph" ? page.openGraph(id) : page.open(id));
    await open(await runs(server, "fork", fork(server.gates)));
    await (view === "graph" ? page.node("Join hands") : page.row("Join hands")).click();
    await isFine(page.page, `${view}, running`, "main > [class^=step-]");
    const failed = await server.run("alice", "breaks");
    server.open("broken");
    await server.reaches("alice", failed, "execution.failed");
    await open(failed);
    await isFine(page.page, `${view}, failed`, "main > [class^=step-]");
  });
}
