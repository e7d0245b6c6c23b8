import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { WorkflowPage } from "../pages/workflow.ts";
import { SettingsPage } from "../pages/settings.ts";

const built = (count: number, part: string) => Array.from({ length: count }, (_, n) => `built ${part} number ${n + 1}`);

test("an execution is started by its workflow's form, and seen to its end without a reload", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("assemble");
  await workflow.field("part").fill("widget");
  await workflow.field("count").fill("4");
  await workflow.run.click();

  const execution = new ExecutionPage(page);
  await expect(page).toHaveURL(/\/executions\/[0-9a-f-]{36}$/);
  await expect(execution.heading).toHaveText("assemble");
  await expect(execution.fact("owner")).toHaveText("alice");
  await expect(execution.fact("part")).toHaveText("widget");
  await expect(execution.fact("count")).toHaveText("4");
  await expect(execution.status).toHaveText("Running");
  await execution.isLive();

  await expect(execution.steps).toContainText(["Fetch the parts", "Build the thing", "Ship it"]);
  const [fetch, build, ship] = ["Fetch the parts", "Build the thing", "Ship it"].map((name) => execution.step(name));
  await expect(fetch).toHaveAttribute("aria-current", "step");
  await expect(fetch).toContainText("looking for widget");
  await expect(fetch.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "20");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "6.6");
  await expect(execution.bar).toHaveAttribute("aria-valuetext", "6.6 percent, running");
  await expect(execution.lines).toHaveText(["fetching 4 of widget"]);
  await expect(page).toHaveTitle("6% assemble · Runcast");

  server.open("found");
  await expect(fetch.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "60");
  await expect(fetch).toContainText("half of it is here");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "20");

  server.open("fetched");
  await expect(fetch.getByRole("img", { name: "Succeeded" })).toBeVisible();
  await expect(build.getByRole("img", { name: "Running" })).toBeVisible();
  await expect(build.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");
  await expect(ship.getByRole("img", { name: "Pending" })).toBeVisible();
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "50");
  await expect(execution.lines).toHaveText(["fetching 4 of widget", ...built(4, "widget")]);

  server.open("built");
  await expect(execution.status).toHaveText("Succeeded");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "100");
  await expect(execution.lines).toHaveText(["fetching 4 of widget", ...built(4, "widget"), "shipped to alice"]);
  await expect(execution.log.getByRole("link", { name: "Line 6" })).toBeVisible();
  await expect(execution.result.getByRole("row")).toHaveText(["StepNameValue", "buildkindwidget", "buildmade4"]);
  await expect(execution.cancel).toBeHidden();
  await expect(execution.error).toBeHidden();
  await expect(page).toHaveTitle("Succeeded: assemble · Runcast");
  await execution.isLive();
});

test("a percent on the page never goes back", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await page.evaluate(() => {
    const bar = document.querySelector("main [role=progressbar]")!;
    const value = () => Number(bar.getAttribute("aria-valuenow"));
    const seen = [value()];
    Object.assign(window, { seen });
    new MutationObserver(() => seen.push(value())).observe(bar, { attributeFilter: ["aria-valuenow"] });
  });
  for (const part of [1, 2, 3, 4]) {
    await expect(execution.bar).toHaveAttribute("aria-valuenow", String(part * 10));
    server.open(`part-${part}`);
  }
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "100");
  const seen = await page.evaluate(() => (window as unknown as { seen: number[] }).seen);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.length).toBeGreaterThan(3);
});

test("a failure shows the step, its words, its exit code and its last lines", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "breaks");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  const [migrate, publish, release] = ["Migrate the tables", "Publish the tables", "Release the lock"].map((name) => execution.step(name));
  await expect(migrate).toContainText("customers");
  await expect(execution.error).toBeHidden();

  server.open("broken");

  await expect(execution.status).toHaveText("Failed");
  const heading = execution.error.getByRole("heading");
  await expect(heading).toContainText("Migrate the tables failed");
  await expect(heading).toContainText("exit code 7");
  await expect(heading).toContainText("step 2 of 4");
  await expect(execution.error.getByRole("paragraph")).toHaveText("table invoices cannot be read");
  const tail = execution.error.getByRole("list", { name: "Last lines" }).getByRole("listitem");
  await expect(tail).toContainText(["row 4711 is odd", "the cable is loose"]);
  await expect(migrate.getByRole("img", { name: "Failed" })).toBeVisible();
  await expect(migrate).toContainText("exit 7");
  await expect(publish.getByRole("img", { name: "Skipped" })).toBeVisible();
  await expect(release.getByRole("img", { name: "Succeeded" })).toBeVisible();
  await expect(execution.lines).toContainText(["taken", "row 4711 is odd", "the cable is loose", "released"]);
  await expect(execution.result).toBeHidden();
});

test("an execution is cancelled from its page, after a question", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "waits");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.lines).toHaveText(["waiting at go"]);

  await execution.cancel.click();
  await execution.question.getByRole("button", { name: "Keep it running" }).click();
  await expect(execution.question).toBeHidden();
  await expect(execution.status).toHaveText("Running");

  await execution.cancel.click();
  await execution.question.getByRole("button", { name: "Yes, cancel it" }).click();
  await expect(execution.status).toHaveText("Cancelled");
  await expect(execution.fact("cancelled by")).toHaveText("alice");
  await expect(execution.step("Wait to be let go").getByRole("img", { name: "Cancelled" })).toBeVisible();
  await expect(execution.cancel).toBeHidden();
  expect((await server.snapshot("alice", id)).status).toBe("cancelled");
});

test("the output is narrowed to one step, and widened again, while it grows", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "assemble", { part: "cog" });
  const execution = new ExecutionPage(page);
  await execution.open(id);
  server.open("found", "fetched");
  await expect(execution.lines).toHaveCount(4);
  const shown = page.getByRole("combobox", { name: "Steps shown" });
  await shown.selectOption("Build the thing");
  await expect(execution.lines).toHaveText(built(3, "cog"));
  server.open("built");
  await expect(execution.status).toHaveText("Succeeded");
  await expect(execution.lines).toHaveText(built(3, "cog"));
  await shown.selectOption("All steps");
  await expect(execution.lines).toHaveText(["fetching 3 of cog", ...built(3, "cog"), "shipped to alice"]);
});

test("new lines are followed until the reader scrolls up", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.lines).toHaveCount(40);
  server.open("part-1");
  await expect(execution.lines).toHaveCount(80);
  await execution.log.scrollIntoViewIfNeeded();
  await expect(execution.lines.last()).toBeInViewport();

  await execution.log.hover();
  await page.mouse.wheel(0, -400);
  const follow = page.getByRole("button", { name: "Following" });
  await expect(follow).toHaveAttribute("aria-pressed", "false");
  server.open("part-2");
  await expect(execution.lines).toHaveCount(120);
  await expect(execution.lines.last()).not.toBeInViewport();

  await follow.click();
  await expect(execution.lines.last()).toBeInViewport();
});

test("the colours of the output are kept, and its markup is only text", async ({ server, visitor }) => {
  const markup = "<img src=x onerror=alert(1)> &amp;";
  server.write("colours", `steps:\n  - id: paint\n    run: printf '\\033[31mred\\033[0m %s\\n' '${markup}'\n`);
  const page = await visitor("alice");
  let id = "";
  await expect(async () => (id = await server.run("alice", "colours"))).toPass();
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.lines).toHaveText([`red ${markup}`]);
  const colours = await execution.lines.evaluate((line) =>
    [line, line.querySelector("span")!].map((one) => getComputedStyle(one).color),
  );
  expect(colours[0]).not.toBe(colours[1]);
});

test("a click that comes before the page's code is done once when that is there", async ({ visitor }) => {
  const page = await visitor("alice");
  let comes = () => {};
  const code = new Promise<void>((resolve) => (comes = resolve));
  await page.route("**/*.wasm", async (route) => {
    await code;
    await route.continue();
  });
  await page.goto("/workflows/assemble", { waitUntil: "commit" });
  const follow = page.getByRole("button", { name: "Follow this workflow" });
  for (let click = 0; click < 2; click++) await follow.click();
  await expect(follow).toHaveAttribute("aria-pressed", "false");
  comes();
  await expect(follow).toHaveAttribute("aria-pressed", "true");
  await follow.click();
  await expect(follow).toHaveAttribute("aria-pressed", "false");
});

test("an answer to a page that was left tells the next one nothing", async ({ server, visitor }) => {
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  const { page } = settings;
  await settings.open("health");
  await expect(settings.light).toHaveText("Up to date");
  let letGo = () => {};
  const held = new Promise<void>((go) => (letGo = go));
  await page.route("**/fn/room", async (route) => {
    await held;
    await route.continue();
  });
  await page.waitForRequest("**/fn/room");
  await page.getByRole("link", { name: "Now", exact: true }).click();
  await settings.isLive();
  const answer = page.waitForResponse("**/fn/room");
  letGo();
  await (await answer).finished();
  await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
  expect(await settings.light.innerText()).toBe("In sync");
});
