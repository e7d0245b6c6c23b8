import type { Locator, Page } from "@playwright/test";
import { isFine } from "../fine.ts";
import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import type { Server } from "../server.ts";

const MILLION = 1_000_000;

/** Lines of all kinds, then a gate. */
const MIXED = (gates: string) => `
steps:
  - id: fetch
    name: Fetch
    retry: { attempts: 2, backoff: 1ms }
    run: |
      echo "::group::Get the parts"; for n in $(seq 30); do echo "part $n"; done
      echo "::group::Check the parts"; echo "::warning::part 3 is bent"; echo "::error::part 9 is lost"
      [ "$RUNCAST_ATTEMPT" = 2 ] || exit 3
  - id: paint
    name: Paint
    run: |
      printf '\\033[1;31mred\\033[0m \\033[38;5;208morange\\033[0m \\033[7mturned\\033[0m \\033[42mon green\\033[0m\\n'
      printf 'see https://example.test/a_(b), and \\033]8;;https://example.test/page\\007this page\\033]8;;\\007\\n'
      printf '\\033]8;;javascript:alert(1)\\007no page\\033]8;;\\007 <b>no markup</b>\\n'
      for n in $(seq 400); do echo "row $n of a table that is much, much, much longer than any screen is wide, so that it must go on in the next row when lines are wrapped, or be scrolled to when they are not"; done
      until [ -e "${gates}/more" ] || [ ! -d "${gates}" ]; do sleep 0.02; done
      for n in $(seq 300); do echo "later row $n"; done
      echo "::error::the paint is out"
      until [ -e "${gates}/end" ] || [ ! -d "${gates}" ]; do sleep 0.02; done
`;

async function start(server: Server, name: string, yaml: string) {
  server.write(name, yaml);
  let id = "";
  await expect(async () => (id = await server.run("alice", name))).toPass();
  return id;
}

/** Starts the one with lines of all kinds, and waits until it is at its first gate. */
async function startMixed(server: Server) {
  const id = await start(server, "mixed", MIXED(server.gates));
  const lines = async () => ((await server.snapshot("alice", id)) as unknown as { steps: { lines: number }[] }).steps[1]!.lines;
  await expect.poll(lines, { timeout: 30_000 }).toBe(403);
  return id;
}

/** Opens a page of this execution, and waits until it has come alive. */
async function visit(page: Page, path: string) {
  await page.goto(path);
  await new ExecutionPage(page).isLive();
}

const output = (page: Page) => page.getByRole("region", { name: "Output" });
const search = (page: Page) => page.getByRole("searchbox", { name: "Search the output" });
const found = (page: Page) => output(page).locator('[data-part="found"]');
const nodes = (page: Page) => page.evaluate(() => document.querySelectorAll("*").length);
/** The lines that are in view, whole: their numbers and texts. */
const inView = (page: Page) =>
  page.evaluate(() => {
    const log = document.querySelector('[role="log"]')!.getBoundingClientRect();
    const rows = [...document.querySelectorAll('[role="log"] [data-part="line"]:not([data-kind])')];
    return rows.flatMap((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      const text = row.querySelector("code")?.textContent;
      return top >= log.top - 1 && bottom <= log.bottom + 1 && text !== undefined ? [[Number(row.id.slice(1)), text]] : [];
    }) as [number, string][];
  });

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
const frames = (page: Page, count: number) =>
  page.evaluate(async (count) => {
    for (let left = count; left > 0; left--) await new Promise(requestAnimationFrame);
  }, count);

/** What was in view when this line was. */
async function shows(page: Page, line: number) {
  let rows: [number, string][] = [];
  await expect.poll(async () => (rows = await inView(page)).map(([number]) => number)).toContain(line);
  return rows;
}

test("a million lines open at their end, and any of them is shown at once", async ({ server, visitor }) => {
  test.setTimeout(240_000);
  const page = await visitor("alice");
  const id = await start(server, "million", `steps:\n  - id: count\n    run: seq ${MILLION}\n`);
  await expect.poll(async () => (await server.snapshot("alice", id)).status, { timeout: 150_000 }).toBe("succeeded");

  await test.step("at the end", async () => {
    const execution = new ExecutionPage(page);
    await page.goto(`/executions/${id}`);
    // The server has drawn the end: it is there with the page, before the page comes alive.
    const { responseEnd } = await page.evaluate(() => performance.getEntriesByType("navigation")[0]!.toJSON());
    expect(responseEnd).toBeLessThan(2_000);
    await expect.poll(async () => (await inView(page)).at(-1)).toEqual([MILLION, `${MILLION}`]);
    await execution.isLive();
    await page.getByRole("log").scrollIntoViewIfNeeded();
    await expect(execution.lines.last()).toBeInViewport();
    expect(await nodes(page)).toBeLessThan(2_000);
  });

  await test.step("in the middle", async () => {
    await page.getByRole("log").evaluate((log) => (log.scrollTop = log.scrollHeight / 2));
    let rows: [number, string][] = [];
    const middle = async () => {
      rows = await inView(page);
      return rows.length > 10 && Math.abs(rows[0]![0] - MILLION / 2) < 0.01 * MILLION;
    };
    await expect.poll(middle).toBe(true);
    const first = rows[0]![0];
    expect(rows).toEqual(rows.map((_, at) => [first + at, `${first + at}`]));
    expect(await nodes(page)).toBeLessThan(2_000);
    // And on from there, pixel by pixel, though the bar is not as long as the lines are high.
    await page.getByRole("log").hover();
    await page.mouse.wheel(0, 200);
    await expect.poll(async () => (await inView(page))[0]?.[0]).toBe(first + 10);
  });

  await test.step("the first and the last", async () => {
    await page.getByRole("log").focus();
    await page.keyboard.press("Home");
    await shows(page, 1);
    await page.keyboard.press("End");
    await shows(page, MILLION);
  });

  await test.step("by its link", async () => {
    await page.goto("about:blank");
    await visit(page, `/executions/${id}#L500000`);
    expect(await shows(page, 500_000)).toContainEqual([500_000, "500000"]);
    await expect(page.locator("#L500000")).toHaveAttribute("data-chosen", "true");
    await page.evaluate(() => (location.hash = "#L900000-L900002"));
    await shows(page, 900_001);
    await expect(page.locator("[data-chosen]")).toHaveCount(3);
  });

  await test.step("by what it holds", async () => {
    await page.getByRole("log").focus();
    await page.keyboard.press("/");
    await expect(search(page)).toBeFocused();
    await search(page).fill("99999");
    // 99999, those that begin with it, and those that end with it.
    await expect(found(page)).toHaveText(/^\d+ of 19$/, { timeout: 60_000 });
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await expect(page.locator("mark").first()).toHaveText("99999");
    expect(await nodes(page)).toBeLessThan(2_000);
  });

  await test.step("in bounded memory", async () => {
    const client = await page.context().newCDPSession(page);
    for (let at = 0; at < 30; at++) {
      await page.getByRole("log").evaluate((log, part) => (log.scrollTop = log.scrollHeight * part), at / 30);
      const there = async () => Math.abs((await inView(page))[10]![0] - (MILLION * at) / 30) < 0.01 * MILLION;
      await expect(async () => expect(await there()).toBe(true)).toPass();
    }
    await client.send("HeapProfiler.collectGarbage");
    const { usedSize } = await client.send("Runtime.getHeapUsage");
    expect(usedSize).toBeLessThan(60 << 20);
    expect(await nodes(page)).toBeLessThan(2_000);
  });
});

test("whose lines these are is told where their head is out of sight, and leads to it", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await visit(page, `/executions/${await startMixed(server)}`);
  const over = output(page).getByRole("button", { name: "Paint", exact: true });
  const head = output(page).getByRole("button", { name: /^Paint \d+ lines/ });
  await expect(over).toBeVisible();
  await over.click();
  await expect(head).toBeInViewport();
  await expect(over).toBeHidden();
  await output(page).getByRole("log").press("PageDown");
  await expect(over).toBeVisible();
  // One step has no heads, and needs none.
  await page.getByRole("combobox", { name: "Steps shown" }).selectOption("Paint");
  await expect(over).toBeHidden();
});

test("attempts and groups are folded and opened, by keyboard as well", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}`);
  const log = page.getByRole("log");
  await shows(page, 471);
  await log.focus();
  await page.keyboard.press("Home");
  await shows(page, 1);
  const attempt = log.getByRole("button", { name: /^Fetch, attempt 1/ });
  await expect(attempt).toHaveText(/Fetch, attempt 1\s*34 lines, exit 3/);
  const group = log.getByRole("button", { name: /^Get the parts/ }).first();
  await expect(group).toHaveAttribute("aria-expanded", "true");
  await group.focus();
  await page.keyboard.press("Enter");
  await expect(group).toHaveAttribute("aria-expanded", "false");
  await expect(group).toBeFocused();
  await expect(page.locator("#L2")).toHaveCount(0);
  await expect(page.locator("#L32")).toHaveText(/Check the parts/);
  await attempt.click();
  await expect(page.locator("#L1")).toHaveCount(0);
  await expect(page.locator("#L35")).toBeVisible();
  // What is in a fold is shown by whoever leads there.
  await page.evaluate(() => (location.hash = "#L5"));
  await shows(page, 5);
  await expect(attempt).toHaveAttribute("aria-expanded", "true");
  // A step's own numbers, and its link.
  await page.getByRole("combobox", { name: "Steps shown" }).selectOption("Paint");
  await shows(page, 403);
  await page.goto("about:blank");
  await visit(page, `/executions/${id}?step=paint#L4`);
  expect((await shows(page, 4)).find(([number]) => number === 4)?.[1]).toMatch(/^row 1 of/);
  await expect(page.getByRole("combobox", { name: "Steps shown" })).toHaveValue("paint");
  server.open("more", "end");
});

test("a group ends where the step ends it", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await start(server, "grouped", `steps:
  - id: build
    run: |
      echo "::group::Inner"; echo one; echo two; echo "::endgroup::"
      echo "::error::outside"; echo after
      until [ -e "${server.gates}/more" ] || [ ! -d "${server.gates}" ]; do sleep 0.02; done
      echo "::group::Other"; echo three; echo "::endgroup::"; echo last
`);
  await visit(page, `/executions/${id}`);
  const log = page.getByRole("log");
  const inner = log.getByRole("button", { name: /^Inner/ });
  await expect(inner).toHaveText(/Inner\s*2 lines/);
  await inner.click();
  await expect(page.locator("#L2")).toHaveCount(0);
  await expect(page.locator("#L4")).toBeVisible();
  await expect(page.locator("#L5")).toHaveText(/after/);
  // What is told live is what a fresh page has.
  server.open("more");
  await expect(log.getByRole("button", { name: /^Other/ })).toHaveText(/Other\s*1 line/);
  await expect(page.locator("#L8")).toHaveText(/last/);
  await page.reload();
  await expect(log.getByRole("button", { name: /^Other/ })).toHaveText(/Other\s*1 line/);
  await expect(inner).toHaveText(/Inner\s*2 lines/);
});

test("whose lines these are stands above them once the head is scrolled away, wrapped or not", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}`);
  await shows(page, 471);
  const over = page.getByTitle("To where it begins");
  await expect(over).toHaveText(/^Paint/);
  await output(page).getByRole("button", { name: "Wrap lines" }).click();
  const log = page.getByRole("log");
  await log.hover();
  await page.mouse.wheel(0, -1500);
  await expect(over).toHaveText(/^Paint/);
  await over.click();
  await expect(log.getByRole("button", { name: /^Paint/ })).toBeInViewport();
  await expect(log).toBeFocused();
  await page.keyboard.press("PageUp");
  await expect(over).toHaveText(/^Fetch/);
  await page.keyboard.press("Home");
  await expect(over).toBeHidden();
  server.open("more", "end");
});

test("of steps side by side none ends the other's group", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const wait = (gate: string) => `until [ -e "${server.gates}/${gate}" ] || [ ! -d "${server.gates}" ]; do sleep 0.02; done`;
  const id = await start(server, "beside-groups", `steps:
  - id: left
    run: |
      echo here; ${wait("one")}
      echo "::group::Mine"; echo one; ${wait("three")}
      echo two; echo "::endgroup::"; echo after; ${wait("end")}
  - id: right
    needs: []
    run: |
      echo there; ${wait("two")}
      echo "::endgroup::"; echo beside; ${wait("end")}
`);
  await visit(page, `/executions/${id}`);
  const lines = page.getByRole("log").getByRole("code");
  const group = page.getByRole("log").getByRole("button", { name: /^Mine/ });
  await expect(lines).toHaveCount(2);
  server.open("one");
  await expect(group).toHaveText(/Mine\s*1 line$/);
  server.open("two");
  await expect(group).toHaveText(/Mine\s*2 lines$/);
  server.open("three");
  await expect(lines.last()).toHaveText(/after$/);
  await expect(group).toHaveText(/Mine\s*3 lines$/);
  await page.reload();
  await expect(group).toHaveText(/Mine\s*3 lines$/);
  server.open("end");
});

test("errors and warnings are listed, each a way to its line", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}`);
  await output(page).getByRole("button", { name: "List errors and warnings" }).click();
  const list = page.getByRole("dialog", { name: "2 errors, 2 warnings" });
  const lines = list.getByRole("listitem");
  await expect(lines).toHaveText([/33.*part 3 is bent/, /34.*part 9 is lost/, /67.*part 3 is bent/, /68.*part 9 is lost/]);
  await isFine(page, "the list of errors");
  await lines.nth(1).getByRole("button").click();
  await expect(list).toBeHidden();
  await expect(page.locator("#L34")).toHaveAttribute("data-chosen", "true");
  await expect(page.locator("#L34")).toBeInViewport();
  await expect(page).toHaveURL(/#L34$/);
  server.open("more", "end");
});

/** Whether all of its height is, whatever its width. */
const isInWindow = (line: Locator) => () =>
  line.evaluate((row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
  });

test("a link to a line brings the line into the window", async ({ server, visitor }) => {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
    const page = await visitor("alice", { viewport });
    const id = await startMixed(server);
    await page.goto(`/executions/${id}#L16`);
    await expect.poll(isInWindow(page.locator("#L16"))).toBe(true);
    await page.evaluate(() => scrollTo(0, 0));
    await page.evaluate(() => (location.hash = "#L60"));
    await expect.poll(isInWindow(page.locator("#L60"))).toBe(true);
  }
  server.open("more", "end");
});

test("lines of steps at work side by side are told apart by the steps' names", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const id = await server.run("alice", "beside");
  await execution.open(id);
  await expect(execution.page.getByText("2 of 3 steps at work")).toBeVisible();
  for (const [gate, count] of [["right", 1], ["left", 2], ["again", 3]] as const) {
    server.open(gate);
    await expect(execution.lines).toHaveCount(count);
  }
  await expect(execution.lines).toHaveText(["from the right", "from the left", "The right oneright again"]);
  server.open("end");
  await expect(execution.status).toHaveText("Failed");
  await expect(execution.page.getByRole("button", { name: "Rerun from Both" })).toBeVisible();
});

test("errors and warnings are counted, gone through, and seen on the map", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}`);
  await shows(page, 471);
  const errors = output(page).getByRole("button", { name: "2 errors" });
  await errors.click();
  await shows(page, 34);
  await expect(page.locator("#L34")).toHaveAttribute("data-chosen", "true");
  await errors.click();
  await expect(page.locator("#L68")).toHaveAttribute("data-chosen", "true");
  await errors.click({ modifiers: ["Shift"] });
  await expect(page.locator("#L34")).toHaveAttribute("data-chosen", "true");
  await output(page).getByRole("button", { name: "2 warnings" }).click();
  await expect(page.locator("#L67")).toHaveAttribute("data-chosen", "true");
  const map = output(page).locator('[data-part="marks"] i');
  await expect(map).toHaveCount(4);
  server.open("more");
  await expect(output(page).getByRole("button", { name: "3 errors" })).toBeVisible();
  await expect(map).toHaveCount(5);
  // What is looked for is counted on as well.
  await search(page).fill("LATER row 29");
  await expect(found(page)).toHaveText(/of 11$/);
  server.open("end");
});

test("what comes moves nothing while the reader is elsewhere, wrapped or not", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}`);
  const log = page.getByRole("log");
  await shows(page, 471);
  const wrap = output(page).getByRole("button", { name: "Wrap lines" });
  await wrap.click();
  await shows(page, 471);
  const high = await page.locator("#L470").evaluate((row) => row.getBoundingClientRect().height);
  expect(high).toBeGreaterThan(30);
  await log.hover();
  await page.mouse.wheel(0, -1500);
  const follow = page.getByRole("button", { name: "Following" });
  await expect(follow).toHaveAttribute("aria-pressed", "false");
  const place = () =>
    page.evaluate(() => {
      const log = document.querySelector('[role="log"]')!.getBoundingClientRect();
      const rows = [...document.querySelectorAll('[role="log"] [data-part="line"]')];
      const row = rows.find((row) => row.getBoundingClientRect().top >= log.top)!;
      return [row.id, Math.round(row.getBoundingClientRect().top)];
    });
  // Lines that come into view take their height when they are drawn; then all stands still.
  let before = await place();
  const rests = async () => {
    const last = before;
    await frames(page, 10);
    return same(last, (before = await place()));
  };
  await expect.poll(rests).toBe(true);
  server.open("more");
  await expect(output(page).locator("output")).toHaveText("772 lines");
  // The count is drawn with the lines; what follows from their heights is, in the frame after.
  await frames(page, 2);
  expect(await place()).toEqual(before);
  await follow.click();
  await shows(page, 772);
  await expect(follow).toHaveAttribute("aria-pressed", "true");
  // It is kept that lines are wrapped.
  await page.reload();
  await expect(wrap).toHaveAttribute("aria-pressed", "true");
  server.open("end");
});

test("colours, links and markup are what they should be; lines are copied without their numbers", async ({ server, visitor }) => {
  const page = await visitor("alice", { permissions: ["clipboard-read", "clipboard-write"] });
  const id = await startMixed(server);
  await visit(page, `/executions/${id}?step=paint#L1`);
  await shows(page, 3);
  const line = (number: number) => page.locator(`#L${number} code`);
  await expect(line(1)).toHaveText("red orange turned on green");
  const link = line(2).getByRole("link");
  await expect(link.first()).toHaveAttribute("href", "https://example.test/a_(b)");
  await expect(link.first()).toHaveAttribute("rel", /noopener/);
  await expect(line(2).getByRole("link", { name: "this page" })).toHaveAttribute("href", "https://example.test/page");
  await expect(line(3).getByRole("link")).toHaveCount(0);
  await expect(line(3)).toHaveText("no page <b>no markup</b>");

  await page.getByRole("link", { name: "Line 1", exact: true }).click();
  await page.getByRole("link", { name: "Line 3", exact: true }).click({ modifiers: ["Shift"] });
  expect(new URL(page.url()).hash).toBe("#L1-L3");
  expect(new URL(page.url()).search).toBe("?step=paint");
  await output(page).getByRole("button", { name: "Copy lines 1 to 3" }).click();
  await expect(output(page).getByText("Copied")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toBe("red orange turned on green\nsee https://example.test/a_(b), and this page\nno page <b>no markup</b>\n");

  const times = output(page).getByRole("button", { name: /^Times/ });
  await times.click();
  await expect(page.locator("#L1 time")).toHaveText(/^\d+:\d\d\.\d$/);
  await times.click();
  await expect(page.locator("#L1 time")).toBeHidden();
  await page.reload();
  await expect(page.locator("#L1 time")).toBeHidden();
  const download = page.waitForEvent("download");
  await output(page).getByRole("link", { name: "Download the step's output" }).click();
  expect((await download).suggestedFilename()).toMatch(/^mixed-.*-paint\.txt$/);
  server.open("more", "end");
});

test("lines that can't be fetched are asked for again by the reader", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(500));
  const page = await visitor("alice");
  const id = await start(server, "long", "steps:\n  - id: count\n    run: seq 5000\n");
  await server.reaches("alice", id, "execution.completed");
  await visit(page, `/executions/${id}`);
  await shows(page, 5000);
  await page.route("**/log?from=*", (route) => route.fulfill({ status: 500, json: { type: "about:blank", title: "Broken", status: 500 } }));
  await page.getByRole("log").focus();
  await page.keyboard.press("Home");
  const alert = output(page).getByRole("alert");
  await expect(alert).toContainText("Some lines can't be read: Broken");
  await page.unroute("**/log?from=*");
  await alert.getByRole("button", { name: "Try again" }).click();
  await shows(page, 1);
  await expect(alert).toBeHidden();
});

test("the output is accessible, and fits a phone", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await startMixed(server);
  await visit(page, `/executions/${id}?step=paint#L2`);
  await shows(page, 2);
  await search(page).fill("no");
  await expect(page.locator("mark").first()).toBeVisible();
  await isFine(page, "the output", ".output-log");
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await shows(page, 2);
  await expect(page.locator("#L2 time"), "a phone shows no times").toBeHidden();
  server.open("more", "end");
});
