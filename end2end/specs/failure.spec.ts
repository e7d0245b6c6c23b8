import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";

const LOAD = `
params:
  - { name: day, default: "20" }
  - { name: fail, type: boolean, default: false }
steps:
  - id: fetch
    name: Fetch it
    run: |
      echo "fetched $DAY"
      echo "rows=$((DAY * 2))" >> "$RUNCAST_OUTPUT"
      echo "to=db" >> "$RUNCAST_OUTPUT"
  - id: upsert
    name: Upsert it
    retry: { attempts: 2, backoff: 100ms }
    run: |
      echo "attempt $RUNCAST_ATTEMPT"
      if [ "$FAIL" = true ]; then
        echo "::error::null value in column \\"currency\\" $(printf 'x%.0s' $(seq 200))"
        echo "one more line"
        exit 3
      fi
`;

test("a failure says what was different from the last good run, what changed first", async ({ server, visitor }) => {
  server.write("load", LOAD);
  const page = await visitor("alice");
  let good = "";
  await expect(async () => (good = await server.run("alice", "load"))).toPass();
  await server.reaches("alice", good, "execution.completed");
  const execution = new ExecutionPage(page);
  const id = await server.run("alice", "load", { day: "21", fail: true });
  await execution.open(id);
  await expect(execution.status).toHaveText("Failed");

  const where = execution.error.getByRole("heading").first();
  for (const word of ["Upsert it failed", "exit code 3", "attempt 2 of 2", "step 2 of 2"]) await expect(where).toContainText(word);
  const rows = execution.error.getByRole("row");
  await expect(rows).toContainText(["Then", "param day", "param fail", "rows of Fetch it", "to of Fetch it", "steps of the workflow"]);
  await expect(rows.nth(1)).toHaveText("param day, different2021");
  await expect(rows.nth(3)).toHaveText("rows of Fetch it, different4042");
  await expect(rows.nth(4)).toHaveText("to of Fetch itdbdb");
  await expect(execution.error.getByRole("link", { name: "last good run" })).toHaveAttribute("href", `/executions/${good}`);

  // Also when the page is loaded now.
  const live = await execution.reading();
  await page.reload();
  await execution.isLive();
  expect((await execution.reading()).error).toEqual(live.error);
});

test("the last lines have their numbers, and lead into the output", async ({ server, visitor }) => {
  server.write("load", LOAD);
  const page = await visitor("alice");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const execution = new ExecutionPage(page);
  let id = "";
  await expect(async () => (id = await server.run("alice", "load", { fail: true }))).toPass();
  await server.reaches("alice", id, "execution.failed");
  await execution.open(id);
  await expect(execution.error.getByRole("table")).toBeHidden();
  const tail = execution.error.getByRole("list", { name: "Last lines" }).getByRole("listitem");
  await expect(tail.last()).toHaveText("7one more line");
  await expect(tail.nth(-2)).toContainText("6null value in column");
  const line = execution.error.getByRole("link", { name: "Go to line 6" });
  await line.click();
  await expect(page).toHaveURL(/#L6$/);
  await expect(execution.log.getByText("null value in column").last()).toBeInViewport();
  await execution.error.getByRole("button", { name: "Copy link to the line" }).click();
  await expect(execution.error.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${server.url}/executions/${id}#L6`);
});

test("what another has run well is compared with nothing of mine", async ({ server, visitor }) => {
  server.write("load", LOAD);
  await server.addUser("bob");
  let good = "";
  await expect(async () => (good = await server.run("bob", "load"))).toPass();
  await server.reaches("bob", good, "execution.completed");
  const page = await visitor("alice");
  const execution = new ExecutionPage(page);
  const id = await server.run("alice", "load", { day: "21", fail: true });
  await server.reaches("alice", id, "execution.failed");
  await execution.open(id);
  await expect(execution.error).toBeVisible();
  await expect(execution.error).not.toContainText("last good run");
});

test("a long error wraps on a phone", async ({ server, visitor }) => {
  server.write("load", LOAD);
  const page = await visitor("alice", { viewport: { width: 390, height: 800 } });
  const execution = new ExecutionPage(page);
  let id = "";
  await expect(async () => (id = await server.run("alice", "load", { fail: true }))).toPass();
  await server.reaches("alice", id, "execution.failed");
  await execution.open(id);
  for (const part of ["message", "tail"]) {
    const over = await execution.error.locator(`[data-part="${part}"]`).evaluate((one) => one.scrollWidth - one.clientWidth);
    expect(over, part).toBeLessThanOrEqual(0);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("a run that takes longer than usual says by how much, and which step lost the time", async ({ server, visitor }) => {
  server.write("pause", "params: [{ name: long, default: '0.1' }]\nsteps:\n- { id: begin, name: Begin it, run: 'true' }\n- { id: pause, name: Pause it, run: sleep $LONG }\n");
  const page = await visitor("alice");
  let usual = "";
  await expect(async () => (usual = await server.run("alice", "pause"))).toPass();
  await server.reaches("alice", usual, "execution.completed");
  const id = await server.run("alice", "pause", { long: "4" });
  await server.reaches("alice", id, "execution.completed");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(page.getByText(/^\d(\.\d)? s behind usual$/)).toBeVisible();
  await expect(page.getByText("lost in Pause it")).toBeVisible();
  await execution.open(usual);
  await expect(page.getByText("behind usual")).toBeHidden();
});

test("a run that was stopped early is not said to be ahead of usual", async ({ server, visitor }) => {
  server.write("pause", "params: [{ name: long, default: '4' }]\nsteps:\n- { id: pause, name: Pause it, run: sleep $LONG }\n");
  const execution = new ExecutionPage(await visitor("alice"));
  let usual = "";
  await expect(async () => (usual = await server.run("alice", "pause"))).toPass();
  await server.reaches("alice", usual, "execution.completed");
  await execution.open(await server.run("alice", "pause", { long: "60" }));
  await expect(execution.status).toHaveText("Running");
  await execution.cancel.click();
  await execution.question.getByRole("button", { name: "Yes, cancel it" }).click();
  await expect(execution.status).toHaveText("Cancelled");
  await expect(execution.page.getByText("ahead of usual")).toBeHidden();
  await execution.page.reload();
  await execution.isLive();
  await expect(execution.page.getByText("ahead of usual")).toBeHidden();
});

test("where a run broke is red in its bar, however little of it was done", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice", { reducedMotion: "reduce" }));
  const id = await server.run("alice", "breaks");
  server.open("broken");
  await server.reaches("alice", id, "execution.failed");
  await execution.open(id);
  const paint = await execution.bar.locator('[data-status="failed"]').evaluate((segment) => {
    const { backgroundColor, transform } = getComputedStyle(segment, "::before");
    const probe = segment.appendChild(document.createElement("i"));
    probe.style.background = "var(--danger-fill)";
    const red = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return { isRed: backgroundColor === red, left: new DOMMatrix(transform).m41 };
  });
  expect(paint).toEqual({ isRed: true, left: 0 });
});
