import type { Page } from "@playwright/test";
import { REFUSED, UNREACHABLE, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { NowPage } from "../pages/now.ts";
import type { Server } from "../server.ts";
import { becomesWhatAFreshOneIs, sleep } from "../tabs.ts";

/** Something happened on the server that the open pages have not heard of, and has come to rest. */
async function happens(server: Server) {
  server.open("part-1", "part-2", "broken");
  const id = await server.run("alice", "breaks");
  await server.reaches("alice", id, "execution.failed");
  await server.run("alice", "waits", { gate: "never" });
}

/** A list and a page of something that runs, in one browser. */
async function pages(first: Page, server: Server) {
  const running = await server.run("alice", "chatter");
  const [list, execution] = [new NowPage(first), new ExecutionPage(await first.context().newPage())];
  await list.open();
  await execution.open(running);
  await expect(execution.lines).toHaveCount(40);
  await expect(list.running).toHaveCount(1);
  return { list, execution };
}

async function areTrueAgain(...all: { page: Page }[]) {
  const took = await Promise.all(all.map(async ({ page }) => await becomesWhatAFreshOneIs(page)));
  console.log(`${test.info().title}: true again after ${took.join(" and ")} ms`);
}

test("pages whose network was off are true again within two seconds", async ({ server, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const first = await visitor("alice");
  const { list, execution } = await pages(first, server);
  await first.context().setOffline(true);
  for (const page of [list, execution]) await expect(page.light).toHaveText("Offline");
  await happens(server);
  await first.context().setOffline(false);
  await areTrueAgain(list, execution);
});

test("pages whose connections were cut are true again within two seconds", async ({ server, wire, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const first = await visitor("alice", { baseURL: wire.url });
  const { list, execution } = await pages(first, server);
  wire.cut();
  for (const page of [list, execution]) await expect(page.light).toHaveText("Offline");
  await happens(server);
  wire.mend();
  await areTrueAgain(list, execution);
});

test("pages that were put to sleep are true again within two seconds after they wake", async ({ server, visitor }) => {
  const first = await visitor("alice");
  const { list, execution } = await pages(first, server);
  const asleep = [await sleep(list.page), await sleep(execution.page)];
  await happens(server);
  // Another tab has noticed that the leader is silent, and leads.
  const other = new NowPage(await first.context().newPage());
  await other.open();
  for (const page of asleep) await page.wake();
  await areTrueAgain(list, execution);
});

test("pages of a server that was killed and started again are true again within two seconds", async ({ server, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const { list, execution } = await pages(await visitor("alice"), server);
  await server.stop("SIGKILL");
  for (const page of [list, execution]) await expect(page.light).toHaveText("Offline");
  await expect(list.page.getByRole("alert")).toContainText("The server does not answer.");
  await server.start();
  await areTrueAgain(list, execution);
  await expect(execution.status).toHaveText("Interrupted");
});

test("an admin who becomes a user sees others' rows vanish within two seconds", async ({ server, visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  troubles.meant(REFUSED(404));
  await server.addUser("root", "admin");
  const page = await visitor("boss", { role: "admin" });
  await server.addUser("alice");
  const id = await server.run("alice", "waits");
  await server.run("boss", "waits");
  const [list, theirs] = [new NowPage(page), new ExecutionPage(await page.context().newPage())];
  await list.open();
  await theirs.open(id);
  await expect(list.running).toHaveCount(2);
  const headers = { authorization: `Bearer ${await server.token("root")}`, "content-type": "application/json" };
  const answer = await fetch(`${server.url}/api/users/boss`, { method: "PATCH", headers, body: JSON.stringify({ role: "user" }) });
  expect(answer.status).toBe(200);
  await areTrueAgain(list);
  await expect(list.running).toHaveCount(1);
  await expect(theirs.page.getByRole("heading", { name: "There is no such execution" })).toBeVisible();
});

test("a page that nobody sees folds little, and is true again when it is seen", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new NowPage(page);
  await list.open();
  await page.evaluate(() => {
    const changes = { count: 0 };
    Object.assign(window, { changes });
    new MutationObserver(() => (changes.count += 1)).observe(document.querySelector("main")!, { subtree: true, childList: true, characterData: true, attributes: true });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  const began = Date.now();
  for (let n = 0; n < 10; n += 1) await server.run("alice", "quick");
  await page.waitForTimeout(3_000);
  const folds = await page.evaluate(() => (window as unknown as { changes: { count: number } }).changes.count);
  // Once a second, and the clock once a second.
  expect(folds).toBeLessThanOrEqual(2 * Math.ceil((Date.now() - began) / 1_000) + 2);
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expect(list.ended).toHaveCount(10);
  await areTrueAgain(list);
});

test("what comes by the channel is folded in batches, not one by one", async ({ visitor }) => {
  const leader = new NowPage(await visitor("alice"));
  await leader.open();
  const list = new NowPage(await leader.page.context().newPage());
  await list.open();
  await list.page.evaluate(() => {
    const changes = { count: 0 };
    Object.assign(window, { changes });
    new MutationObserver(() => (changes.count += 1)).observe(document.querySelector("main")!, { subtree: true, childList: true });
  });
  const at = Number(await list.page.locator(".live-light data").getAttribute("value"));
  // Two hundred messages at once, each with one fact, as one that leads no more could send them.
  await leader.page.evaluate((at) => {
    const channel = new BroadcastChannel("runcast 0.1.0 alice user /api/events");
    for (let n = 1; n <= 200; n += 1) {
      const fact = {
        seq: at + n,
        at: "2026-11-22T10:00:00.000Z",
        execution_id: `01934f0e-7b1c-7000-8000-${String(n).padStart(12, "0")}`,
        owner: "alice",
        workflow: "waits",
        kind: "execution.queued",
        trigger: "api",
        params: {},
        steps: [{ id: "wait", name: "Wait", needs: [], weight: 1 }],
      };
      channel.postMessage(`1 1 batch ${at + n - 1} ${at + n}\n${JSON.stringify(fact)}`);
    }
  }, at);
  await expect(list.counts.getByRole("link", { name: "queued" })).toContainText("200");
  const { count } = await list.page.evaluate(() => (window as unknown as { changes: { count: number } }).changes);
  expect(count).toBeLessThanOrEqual(60);
});
