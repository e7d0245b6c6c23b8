import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";

/** What a page says that is the same live and afterwards: what can be done, and what is printed, is not. */
async function told(execution: ExecutionPage) {
  const { title, name, percent, said, bar, segments, steps, error, result } = await execution.reading();
  return { title, name, percent, said, bar, segments, steps, error, result };
}

test("a moment of a run that has ended shows what the page showed live then", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  const moments = [];
  for (const part of [1, 2, 3, 4]) {
    await expect(execution.bar).toHaveAttribute("aria-valuenow", String(part * 10));
    await expect(execution.lines).toHaveCount(part * 40);
    const { seq } = (await server.snapshot("alice", id)) as unknown as { seq: number };
    moments.push({ seq, told: await told(execution) });
    server.open(`part-${part}`);
  }
  await expect(execution.status).toHaveText("Succeeded");
  const end = await told(execution);
  for (const moment of moments) {
    await page.goto(`/executions/${id}?at=${moment.seq}`);
    await expect(execution.then).toContainText("As it was at");
    expect(await told(execution)).toEqual(moment.told);
  }
  await page.getByRole("button", { name: "Back to the end" }).click();
  await expect(execution.then).toBeHidden();
  await expect(page).not.toHaveURL(/at=/);
  expect(await told(execution)).toEqual(end);
});

test("keys go from event to event, and the address tells which", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  const { scrubber } = execution;
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, the end$/);
  await scrubber.press("ArrowLeft");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, Say it succeeded, event (\d+) of \d+$/);
  await expect(execution.status).toHaveText("Running");
  await expect(page).toHaveURL(/at=\d+/);
  const last = page.url();
  await scrubber.press("Home");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, queued, event 1 of \d+$/);
  await expect(execution.status).toHaveText("Queued");
  await scrubber.press("ArrowRight");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /event 2 of/);
  await scrubber.press("Shift+ArrowRight");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, the end$/);
  await expect(execution.status).toHaveText("Succeeded");
  await expect(page).not.toHaveURL(/at=/);
  await page.goto(last);
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, Say it succeeded, event/);
  await scrubber.press("End");
  await expect(execution.status).toHaveText("Succeeded");
});

test("while the past is shown, what comes in does not move it; the right end is live again", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  server.open("part-1");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "20");
  const { scrubber } = execution;
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, live$/);
  const box = (await scrubber.boundingBox())!;
  const drag = async (from: number, to: number) => {
    await page.mouse.move(box.x + box.width * from, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, box.y + box.height / 2, { steps: 8 });
  };
  await drag(0.9, 0.001);
  await expect(execution.then).toBeVisible();
  await page.mouse.up();
  await expect(page).toHaveURL(/at=\d+/);
  await expect(execution.bar).not.toHaveAttribute("aria-valuenow", "20");
  const then = await told(execution);

  server.open("part-2");
  await expect(async () => expect((await server.snapshot("alice", id)).percent).toBe(30)).toPass();
  await execution.isLive();
  expect(await told(execution)).toEqual(then);
  await expect(execution.cancel).toBeVisible();

  await page.getByRole("button", { name: "Live", exact: true }).click();
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "30");
  await expect(scrubber).toHaveAttribute("aria-valuetext", /, live$/);
  server.open("part-3");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "40");
});

test("the past is played, faster too, and is live when it has caught up", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "10");
  // A past that is long enough to be stopped in.
  await expect(page.getByText(/^([5-9]|\d\d) s in$/)).toBeVisible();
  server.open("part-1");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "20");
  await page.getByRole("button", { name: "Play from the start" }).click();
  await expect(execution.then).toBeVisible();
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
  const text = () => execution.scrubber.getAttribute("aria-valuetext");
  const first = await text();
  await expect.poll(text).not.toBe(first);
  await execution.scrubber.press(" ");
  await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  await expect(page).toHaveURL(/at=\d+/);
  for (const times of [1, 2, 10]) await page.getByRole("button", { name: `Speed, ${times} times`, exact: true }).click();
  await execution.scrubber.press(" ");
  await expect(execution.then).toBeHidden();
  await expect(execution.scrubber).toHaveAttribute("aria-valuetext", /, live$/);
  await expect(page.getByRole("button", { name: "Play from the start" })).toBeVisible();
  server.open("part-2");
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "30");
});

test("another drawing of the steps keeps the moment in the address, whichever it is by then", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await execution.scrubber.press("ArrowLeft");
  await expect(page).toHaveURL(/at=\d+$/);
  const at = new URL(page.url()).searchParams.get("at");
  await page.getByRole("link", { name: "Graph" }).click();
  await expect(page.getByRole("region", { name: /^Graph of/ })).toBeVisible();
  expect(new URL(page.url()).searchParams.get("at")).toBe(at);
  await page.getByRole("button", { name: "Back to the end" }).click();
  await expect(page).not.toHaveURL(/at=/);
  await page.getByRole("link", { name: "Timeline" }).click();
  await expect(page.getByRole("region", { name: "Timeline of steps" })).toBeVisible();
  await expect(page).not.toHaveURL(/at=|view=/);
});

test("a past that cannot be fetched is said to be so, and fetched when it can be", async ({ server, visitor, troubles }) => {
  troubles.meant(/net::ERR_FAILED/);
  const page = await visitor("alice");
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await page.route("**/history?*", (route) => route.abort());
  await execution.scrubber.press("ArrowLeft");
  const alert = page.getByRole("alert").filter({ hasText: "The past can't be shown: The server does not answer" });
  await expect(alert).toBeVisible();
  await expect(execution.then).toBeHidden();
  await page.unroute("**/history?*");
  await alert.getByRole("button", { name: "Try again" }).click();
  await expect(execution.then).toBeVisible();
  await expect(execution.status).toHaveText("Running");
  await expect(alert).toBeHidden();
});

test("a run that fails while its past is shown moves nothing until the reader comes back", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "breaks");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.lines).toHaveCount(2);
  await execution.scrubber.press("ArrowLeft");
  await expect(execution.then).toBeVisible();
  // As wide as the run is long, which goes on.
  const places = async () => [(await execution.scrubber.boundingBox())!.y, await execution.log.boundingBox()];
  const before = [await told(execution), await places()];
  server.open("broken");
  await server.reaches("alice", id, "execution.failed");
  await expect(page.getByRole("button", { name: "Back to the end" })).toBeVisible();
  expect([await told(execution), await places()]).toEqual(before);
  await expect(execution.beforeError).toBeHidden();
  await page.getByRole("button", { name: "Back to the end" }).click();
  await expect(execution.error).toBeVisible();
  await expect(execution.status).toHaveText("Failed");
});

test("another's past cannot be read", async ({ server, visitor }) => {
  await server.addUser("bob");
  const id = await server.run("bob", "quick");
  const page = await visitor("alice");
  const answer = await page.request.get(`/api/executions/${id}/history`);
  expect(answer.status()).toBe(404);
});

for (const [width, colorScheme] of [[1440, "light"], [390, "dark"]] as const) {
  test(`the page in the past is for everybody, at ${width} pixels`, async ({ server, visitor }) => {
    const page = await visitor("alice", { viewport: { width, height: 900 }, colorScheme });
    const id = await server.run("alice", "breaks");
    server.open("broken");
    await server.reaches("alice", id, "execution.failed");
    const execution = new ExecutionPage(page);
    await execution.open(id);
    await expect(execution.error).toBeVisible();
    const places = async () => [await execution.scrubber.boundingBox(), await execution.log.boundingBox()];
    const before = await places();
    await execution.scrubber.press("ArrowLeft");
    await expect(execution.then).toBeVisible();
    await expect(execution.error).toBeHidden();
    await expect(execution.beforeError).toContainText("At this moment it had not failed.");
    // How far it was then stands where the error does: nothing that one points at moves.
    await expect(execution.beforeError).toContainText("%");
    expect(await places()).toEqual(before);
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });
}
