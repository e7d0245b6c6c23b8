import type { Page } from "@playwright/test";
import { REFUSED, UNREACHABLE, expect, test } from "../fixtures.ts";
import { Door } from "../pages/door.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { NowPage } from "../pages/now.ts";
import { WorkflowPage } from "../pages/workflow.ts";
import { MARGIN, TAKEN_OVER, leaderOf, leads, normal, sleep, streams } from "../tabs.ts";

test.beforeEach(async ({ server }) => await server.addUser("root", "admin"));

/** Some tabs of one browser on the list. */
async function lists(first: Page, count: number) {
  const tabs = [new NowPage(first)];
  while (tabs.length < count) tabs.push(new NowPage(await first.context().newPage()));
  for (const tab of tabs) await tab.open();
  return tabs;
}

/** How a leader can be lost, and what it takes. */
const LOST: Record<string, (page: Page) => Promise<{ wake(): Promise<void> } | void>> = {
  "is closed": async (page) => await page.close(),
  crashes: async (page) => {
    const crashed = page.waitForEvent("crash");
    (await page.context().newCDPSession(page)).send("Page.crash").catch(() => {});
    await crashed;
  },
  "is put to sleep": sleep,
};

for (const locks of [true, false]) {
  test.describe(locks ? "with Web Locks" : "without Web Locks, as over plain http", () => {
    test("all tabs of a browser are fed by one stream", async ({ server, visitor }) => {
      const first = await visitor("alice");
      if (!locks) await first.context().addInitScript(noLocks);
      const tabs = await lists(first, 4);
      await leaderOf(tabs.map(({ page }) => page));
      await expect.poll(() => streams(server)).toBe(1);
      await server.run("alice", "waits");
      for (const tab of tabs) await expect(tab.running).toHaveCount(1);
      server.open("go");
      for (const tab of tabs) await expect(tab.ended).toHaveCount(1);
      const all = await Promise.all(tabs.map(({ page }) => normal(page)));
      expect(new Set(all).size).toBe(1);
      expect(await streams(server)).toBe(1);
    });

    for (const [how, lose] of Object.entries(LOST)) {
      test(`when the tab that leads ${how}, another one does within two seconds`, async ({ server, visitor }) => {
        const first = await visitor("alice");
        if (!locks) await first.context().addInitScript(noLocks);
        const tabs = await lists(first, 3);
        const { leader, others } = await leaderOf(tabs.map(({ page }) => page));
        const rest = tabs.filter(({ page }) => others.includes(page));

        const begun = Date.now();
        const lost = await lose(leader);
        // It happens while nobody may be listening.
        const id = await server.run("alice", "waits");
        for (const { page } of rest) {
          await expect(new NowPage(page).running).toHaveCount(1);
        }
        const taken = Date.now() - begun;
        test.info().annotations.push({ type: "takeover", description: `${taken} ms` });
        console.log(`takeover, leader ${how}, ${locks ? "with" : "without"} locks: ${taken} ms`);
        expect(taken).toBeLessThanOrEqual(TAKEN_OVER + MARGIN);
        await leaderOf(others);
        server.open("go");
        await server.reaches("alice", id, "execution.completed");
        for (const { ended } of rest) await expect(ended).toHaveCount(1);

        if (!lost) return;
        await lost.wake();
        await expect.poll(() => leads(leader), "one that wakes up leads no more").toBe(false);
        await expect(new NowPage(leader).ended).toHaveCount(1);
        await expect.poll(() => streams(server)).toBe(1);
      });
    }
  });
}

function noLocks() {
  Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
}

test("pages of one execution share its stream, and no browser has more than three", async ({ server, visitor }) => {
  const first = await visitor("alice");
  const ids: string[] = [];
  for (const gate of ["one", "two", "three", "four"]) ids.push(await server.run("alice", "waits", { gate }));
  const list = new NowPage(first);
  await list.open();
  const [one, same] = [new ExecutionPage(await first.context().newPage()), new ExecutionPage(await first.context().newPage())];
  for (const page of [one, same]) await page.open(ids[0]);
  await expect.poll(() => streams(server)).toBe(2);

  const rest: ExecutionPage[] = [];
  for (const id of ids.slice(1)) {
    const page = new ExecutionPage(await first.context().newPage());
    await page.page.goto(`/executions/${id}`);
    rest.push(page);
  }
  for (let look = 0; look < 10; look += 1) {
    expect(await streams(server)).toBeLessThanOrEqual(3);
    await first.waitForTimeout(200);
  }
  // Each has its turn, and sees its end.
  server.open("one", "two", "three", "four");
  for (const page of [one, same, ...rest]) await expect(page.status).toHaveText("Succeeded");
  for (const page of [one, same, ...rest]) await expect(page.lines).toHaveText(["waiting at " + ["one", "one", "two", "three", "four"][[one, same, ...rest].indexOf(page)], "let go"]);
  await expect(list.ended).toHaveCount(4);
});

test("a list with a filter is fed from the stream of all", async ({ server, visitor }) => {
  const first = await visitor("boss", { role: "admin" });
  const [all, some] = [new NowPage(first), new ExecutionsPage(await first.context().newPage())];
  await all.open();
  await some.open("?workflow=quick&owner=bob");
  await server.addUser("bob");
  await expect.poll(() => streams(server)).toBe(1);
  for (const [user, flow] of [["bob", "quick"], ["boss", "quick"], ["bob", "waits"]] as const) await server.run(user, flow);
  server.open("go");
  await expect(all.ended).toHaveCount(3);
  await expect(some.rows).toHaveCount(1);
  await expect(some.rows).toContainText("quick");
});

test("fifty tabs share one stream, show the same, and each can still start a workflow", async ({ server, visitor }) => {
  test.setTimeout(600_000);
  const first = await visitor("alice");
  // Fifty pages on two processors take their time.
  first.context().setDefaultTimeout(60_000);
  const tabs = await lists(first, 50);
  await expect.poll(() => streams(server)).toBe(1);
  for (const [n, { page }] of tabs.entries()) {
    if (n % 7 !== 0) continue;
    // The page asks the server while fifty tabs are open.
    const flow = new WorkflowPage(page);
    await flow.open("quick");
    await flow.run.click();
    await expect(page).toHaveURL(/\/executions\/[0-9a-f-]{36}$/);
    await expect(new ExecutionPage(page).status).toHaveText("Succeeded");
    await page.goto("/");
  }
  for (const tab of tabs) await expect(tab.ended).toHaveCount(8);
  await expect(async () => {
    const all = await Promise.all(tabs.map(({ page }) => normal(page)));
    expect(new Set(all).size).toBe(1);
  }).toPass();
  await expect.poll(() => streams(server)).toBe(1);
});

test("who signs in after another in the same browser is fed nothing of theirs, nor feeds them", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(401));
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice");
  await server.addUser("bob");
  const [left, other] = await lists(page, 2);
  await new Door(other.page).signOut();
  await expect(other.page).toHaveURL("/sign-in");
  await new Door(other.page).signIn("bob", "correct horse battery");
  await other.isLive();
  await server.run("alice", "waits");
  await server.run("bob", "assemble", { part: "cog" });
  await expect(other.running).toHaveCount(1);
  await expect(other.running).toContainText("assemble");
  // The tab that alice left asks who comes, or shows bob what is bob's: never alice's to bob.
  await expect(left.page.getByRole("main")).not.toContainText("waits");
});

test("a sign-out in one tab reaches all of them", async ({ visitor, troubles }) => {
  troubles.meant(REFUSED(401));
  troubles.meant(UNREACHABLE);
  const tabs = await lists(await visitor("alice"), 4);
  await new Door(tabs[2].page).signOut();
  for (const { page } of tabs) await expect(page).toHaveURL(/\/sign-in/, { timeout: 4_000 });
});

test("the light tells what is behind it, by mouse and by keyboard", async ({ server, visitor }) => {
  const [one, two] = await lists(await visitor("alice"), 2);
  await server.run("alice", "waits");
  await expect(one.running).toHaveCount(1);
  const { leader } = await leaderOf([one.page, two.page]);
  for (const { page } of [one, two]) {
    const light = page.getByRole("button", { name: /^In sync \d/ });
    const more = page.getByRole("group", { name: "Connection" });
    await expect(more).toBeHidden();
    await light.focus();
    await page.keyboard.press("Enter");
    await expect(more).toContainText("All that happens is shown as it comes.");
    await expect(more).toContainText(page === leader ? "Reads the events for all tabs" : "Is fed by another tab");
    await expect(more).toContainText(/Event[\d,]+/);
    await page.keyboard.press("Escape");
    await expect(more).toBeHidden();
    await light.click();
    await expect(more).toBeVisible();
  }
});
