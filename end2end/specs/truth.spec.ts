import type { Page } from "@playwright/test";
import { UNREACHABLE, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { NowPage } from "../pages/now.ts";

/** The page that was left open says what the same page says when it is loaded now, in all its fields. */
async function saysWhatAFreshOneSays(old: Page) {
  const fresh = await old.context().newPage();
  const [left, loaded] = [new ExecutionPage(old), new ExecutionPage(fresh)];
  await fresh.goto(old.url());
  await loaded.isLive();
  await left.isLive();
  await expect(async () => expect(await left.reading()).toEqual(await loaded.reading())).toPass();
  const reading = await loaded.reading();
  await fresh.close();
  return reading;
}

test("where no server answers time stands still, and goes on when one does", async ({ server, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const now = new NowPage(await visitor("alice"));
  await server.run("alice", "waits");
  await now.open();
  await expect(now.running).toHaveCount(1);
  const clock = now.page.locator(".page-header time");
  const ticks = async () => {
    const before = await clock.innerText();
    await expect(clock).not.toHaveText(before);
  };
  await ticks();
  await server.stop("SIGKILL");
  await expect(now.light).toHaveText("Offline");
  const still = [await clock.innerText(), await now.running.innerText()];
  // Longer than any clock needs to tick.
  await now.page.waitForTimeout(2_500);
  expect([await clock.innerText(), await now.running.innerText()]).toEqual(still);
  await server.start();
  await now.isLive();
  await ticks();
});

const numbers = (reading: { lines: { number: string | null }[] }) => reading.lines.map((line) => Number(line.number));
const counted = (lines: number) => Array.from({ length: lines }, (_, n) => n + 1);

for (const [signal, how] of [["SIGTERM", "stopped"], ["SIGKILL", "killed"]] as const) {
  test.describe(`after the server was ${how} and started again`, () => {
    test.use({ flags: ["--max-executions", "1"] });

    test("open pages catch up by themselves, and say what fresh ones say", async ({ server, visitor, troubles }) => {
      troubles.meant(UNREACHABLE);
      const running = await visitor("alice");
      const ran = await server.run("alice", "chatter");
      const waited = await server.run("alice", "assemble", { part: "cog" });
      const [first, second] = [new ExecutionPage(running), new ExecutionPage(await running.context().newPage())];
      await first.open(ran);
      await second.open(waited);
      const list = new NowPage(await running.context().newPage());
      await list.open();
      await expect(first.lines).toHaveCount(40);
      await expect(second.status).toHaveText("Queued");
      await expect(list.running).toHaveCount(1);

      await server.stop(signal);
      for (const page of [first, second, list]) await expect(page.light).toHaveText(/Offline|Reconnecting/);
      await expect(first.status).toHaveText("Running");
      await server.start();
      for (const page of [first, second, list]) await page.isLive();

      // What ran was interrupted, what waited runs.
      await expect(first.status).toHaveText("Interrupted");
      await expect(second.status).toHaveText("Running");
      await expect(list.running).toContainText(["assemble"]);
      const interrupted = await saysWhatAFreshOneSays(first.page);
      expect(interrupted.steps.map((step) => step.icon)).toEqual(["Interrupted", "Skipped"]);
      expect(numbers(interrupted)).toEqual(counted(40));
      await saysWhatAFreshOneSays(second.page);

      server.open("found", "fetched", "built");
      await expect(second.status).toHaveText("Succeeded");
      const succeeded = await saysWhatAFreshOneSays(second.page);
      expect(numbers(succeeded)).toEqual(counted(5));
      expect(succeeded.result).toEqual(["StepNameValue", "buildkindcog", "buildmade3"]);
      await expect(list.ended).toHaveCount(2);
      await saysWhatAFreshOneSays(list.page);
    });
  });
}

test("a page that lost its link three times has each line once", async ({ server, wire, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice", { baseURL: wire.url });
  const id = await server.run("alice", "chatter");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  for (const [part, lines] of [["part-1", 80], ["part-2", 120], ["part-3", 160]] as const) {
    wire.cut();
    await expect(execution.light).toHaveText(/Offline|Reconnecting/);
    server.open(part);
    wire.mend();
    await expect(execution.lines).toHaveCount(lines);
    await execution.isLive();
  }
  expect(numbers(await saysWhatAFreshOneSays(page))).toEqual(counted(160));
  server.open("part-4");
  await expect(execution.status).toHaveText("Succeeded");
  expect(numbers(await saysWhatAFreshOneSays(page))).toEqual(counted(162));
  await expect(execution.lines).toHaveText([
    ...[1, 2, 3, 4].flatMap((part) => counted(40).map((n) => `part ${part}, line ${n}`)),
    "all is said",
    "resting",
  ]);
});

test("a page that was offline says so, and shows afterwards what happened meanwhile", async ({ server, wire, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice", { baseURL: wire.url });
  const list = new NowPage(page);
  await server.run("alice", "waits");
  await list.open();
  wire.cut();
  await expect(list.light).toHaveText("Offline");
  await expect(page.getByRole("alert")).toContainText("The server does not answer.");
  await expect(list.running).toHaveCount(1);

  server.open("go");
  server.open("broken");
  await server.reaches("alice", await server.run("alice", "breaks"), "execution.failed");
  wire.mend();

  await expect(list.ended).toHaveCount(2);
  await list.isLive();
  await expect(page.getByRole("alert")).toBeHidden();
  await expect(list.running).toHaveCount(0);
});

test("a page that is gone to while the server is away comes once it is back", async ({ server, wire, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice", { baseURL: wire.url });
  const list = new NowPage(page);
  await list.open();
  wire.cut();
  await expect(list.light).toHaveText("Offline");
  // Its code was never fetched: the page that was there stays.
  await page.getByRole("link", { name: "Workflows" }).first().click();
  await expect(page.getByRole("alert")).toContainText("The server does not answer.");
  wire.mend();
  await expect(page.getByRole("heading", { level: 1, name: "Workflows" })).toBeVisible();
  await list.isLive();
  // Its code is here, its contents are not.
  wire.cut();
  await expect(list.light).toHaveText("Offline");
  await page.getByRole("link", { name: "Now" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "This page could not be fetched" })).toBeVisible();
  wire.mend();
  await list.isLive();
  await expect(page.getByRole("heading", { level: 1, name: "This page could not be fetched" })).toBeHidden();
});

test("a browser that knows that it is offline says so at once", async ({ visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const list = new NowPage(await visitor("alice"));
  await list.open();
  await list.page.context().setOffline(true);
  await expect(list.light).toHaveText("Offline");
  await list.page.context().setOffline(false);
  await list.isLive();
});

test("the light says that the page is reconnecting while the server answers but the stream does not", async ({ server, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice");
  const list = new NowPage(page);
  await page.route("**/api/events*", (route) => route.abort());
  await page.goto("/");
  await expect(list.light).toHaveText("Reconnecting");
  await server.run("alice", "waits");
  await page.unroute("**/api/events*");
  await list.isLive();
  await expect(list.running).toHaveCount(1);
});

test("a page opened in the middle says what one says that was there from the beginning", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "assemble", { part: "cog" });
  const execution = new ExecutionPage(page);
  await execution.open(id);
  await expect(execution.lines).toHaveCount(1);
  await saysWhatAFreshOneSays(page);
  server.open("found", "fetched");
  await expect(execution.lines).toHaveCount(4);
  await saysWhatAFreshOneSays(page);
  server.open("built");
  await expect(execution.status).toHaveText("Succeeded");
  await saysWhatAFreshOneSays(page);
});

test("a failure says the same to who watched it and to who comes later", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "breaks");
  const execution = new ExecutionPage(page);
  await execution.open(id);
  server.open("broken");
  await expect(execution.status).toHaveText("Failed");
  await saysWhatAFreshOneSays(page);
});
