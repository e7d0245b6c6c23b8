import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { NowPage } from "../pages/now.ts";

test("two users side by side see only their own, and an admin sees both with their owners", async ({ server, visitor }) => {
  const [alice, bob, root] = [await visitor("alice"), await visitor("bob"), await visitor("root", { role: "admin" })];
  const [mine, theirs, all] = [alice, bob, root].map((page) => new NowPage(page));
  for (const list of [mine, theirs, all]) await list.open();

  await server.run("alice", "waits");
  await server.run("bob", "assemble", { part: "secret" });

  await expect(all.running).toHaveCount(2);
  await expect(all.running.filter({ hasText: "alice" })).toContainText("waits");
  await expect(all.running.filter({ hasText: "bob" })).toContainText("assemble");
  await expect(mine.running).toHaveCount(1);
  await expect(mine.running).toContainText("waits");
  await expect(theirs.running).toHaveCount(1);
  await expect(theirs.running).toContainText("assemble");

  // Both end, and an own one comes after: by then each list has heard all that it ever will of the other's.
  server.open("found", "fetched", "built", "go");
  await expect(all.ended).toHaveCount(2);
  for (const [user, list] of [["alice", mine], ["bob", theirs]] as const) {
    await server.run(user, "quick");
    await expect(list.ended).toHaveCount(2);
    await list.page.reload();
    await list.isLive();
    await expect(list.ended).toHaveCount(2);
  }
  await expect(mine.ended).toContainText(["quick", "waits"]);
  await expect(theirs.ended).toContainText(["quick", "assemble"]);
  await expect(alice.getByRole("main")).not.toContainText(/bob|assemble ·/);
  await expect(bob.getByRole("main")).not.toContainText(/alice/);
  await expect(all.ended).toHaveCount(4);
});

test("another's execution is a page that is not there, like one that never was", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(404));
  const alice = await visitor("alice");
  await server.addUser("bob");
  const id = await server.run("bob", "assemble", { part: "secret" });
  const never = `${id.slice(0, -4)}0000`;

  const pages: string[] = [];
  for (const one of [id, never, "nonsense"]) {
    const answer = await alice.goto(`/executions/${one}`);
    expect(answer?.status(), one).toBe(404);
    await expect(alice.getByRole("heading", { level: 1, name: "There is no such execution" })).toBeVisible();
    expect(await answer?.text()).not.toMatch(/\b(secret|assemble|bob)\b/);
    pages.push(await alice.getByRole("main").innerText());
    const api = await alice.request.get(`/api/executions/${one}`);
    expect(api.status(), one).toBe(404);
  }
  expect(new Set(pages).size, "the three pages are the same").toBe(1);
});

test("an admin opens anybody's execution, and sees whose it is", async ({ server, visitor }) => {
  const root = await visitor("root", { role: "admin" });
  await server.addUser("bob");
  const id = await server.run("bob", "assemble", { part: "cog" });
  const execution = new ExecutionPage(root);
  const answer = await execution.open(id);
  expect(answer?.status()).toBe(200);
  await expect(execution.fact("owner")).toHaveText("bob");
  await expect(execution.lines).toHaveText(["fetching 3 of cog"]);
});

test("an owner's name in the address shows a user nothing of another's", async ({ server, visitor }) => {
  const alice = await visitor("alice");
  await server.addUser("bob");
  await server.run("bob", "waits");
  const list = new ExecutionsPage(alice);
  await list.open("?owner=bob");
  await expect(alice.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await expect(list.rows).toHaveCount(0);
});

test("a workflow that only others may start is not there for a user", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(404));
  server.write("closed", "allow: [bob]\nsteps:\n  - id: say\n    run: echo secret\n");
  const bob = await visitor("bob");
  await expect(async () => expect((await bob.goto("/workflows/closed"))?.status()).toBe(200)).toPass();
  const alice = await visitor("alice");
  expect((await alice.goto("/workflows/closed"))?.status()).toBe(404);
  await expect(alice.getByRole("heading", { name: "There is no such workflow" })).toBeVisible();
});

test("an address that means nothing is a 404 page", async ({ visitor, troubles }) => {
  troubles.meant(REFUSED(404));
  const page = await visitor("alice");
  expect((await page.goto("/no/such/page"))?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1, name: "There is no such page" })).toBeVisible();
});
