import { REFUSED, UNREACHABLE, expect, test } from "../fixtures.ts";
import { Door } from "../pages/door.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { NowPage } from "../pages/now.ts";
import { WorkflowPage } from "../pages/workflow.ts";

/** The stream ends within a second; the page then asks who it is, and leaves. Busy machines get some more. */
const SOON = { timeout: 4_000 };

test.beforeEach(async ({ server, troubles }) => {
  await server.addUser("root", "admin");
  troubles.meant(REFUSED(401));
  troubles.meant(UNREACHABLE);
});

test("signing out in one tab sends the other one to the sign-in page", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const id = await server.run("alice", "waits");
  await new ExecutionPage(page).open(id);
  const other = await page.context().newPage();
  await new NowPage(other).open();
  await new Door(other).signOut();
  await expect(other).toHaveURL("/sign-in");
  await expect(page).toHaveURL(`/sign-in?next=${encodeURIComponent(`/executions/${id}`)}`, SOON);
});

test("a user who is removed by the command line is sent to the sign-in page", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await new NowPage(page).open();
  await server.removeUser("alice");
  await expect(page).toHaveURL(/\/sign-in/, SOON);
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

test("a removed user's other browser is sent away as well, and another user's is not", async ({ server, visitor }) => {
  const [one, two, bob] = [await visitor("alice"), await visitor("alice"), await visitor("bob")];
  const id = await server.run("alice", "waits");
  await new NowPage(one).open();
  await new ExecutionPage(two).open(id);
  const list = new NowPage(bob);
  await list.open();
  await server.removeUser("alice");
  await expect(one).toHaveURL(/\/sign-in/, SOON);
  await expect(two).toHaveURL(/\/sign-in/, SOON);
  await server.run("bob", "waits");
  await expect(list.running).toHaveCount(1);
  await list.isLive();
});

test("a page whose session is gone starts and cancels nothing, and leads to the sign-in page", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const flow = new WorkflowPage(page);
  // Its stream is open, with the session there was: nothing but the click will tell that this is gone.
  await flow.open("quick");
  await page.context().clearCookies();
  await flow.run.click();
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fworkflows%2Fquick/);
  await server.run("root", "waits");
  const root = new NowPage(await visitor("boss", { role: "admin" }));
  await root.open();
  await expect(root.running).toHaveCount(1);
  await expect(root.ended).toHaveCount(0);
});
