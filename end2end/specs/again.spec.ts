import { expect, REFUSED, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";

test("attempts are told: why one failed, when the next begins, and all of them afterwards", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const execution = new ExecutionPage(page);
  await execution.open(await server.run("alice", "flaky"));
  const step = execution.step("Try it");
  await expect(step.first()).toContainText(/attempt 2 (in \d s|begins)/);
  const attempts = page.getByRole("list", { name: "Earlier attempts" }).getByRole("listitem");
  await expect(attempts).toHaveText([/^attempt 1 failed after .* s: the line is busy$/]);
  await expect(execution.lines).toHaveText(["attempt 1", "the line is busy", "attempt 2"]);
  server.open("again");
  await expect(execution.status).toHaveText("Succeeded");
  await expect(attempts).toHaveCount(1);
  const live = await execution.reading();
  await page.reload();
  await execution.isLive();
  expect(await execution.reading()).toEqual(live);
});

test("what failed is run again from there, and the page goes to the new execution", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(409));
  const page = await visitor("alice");
  const execution = new ExecutionPage(page);
  const id = await server.run("alice", "mended");
  await execution.open(id);
  await expect(execution.status).toHaveText("Failed");
  const other = await page.context().newPage();
  await other.goto(page.url());
  server.open("mended");
  await page.getByRole("button", { name: "Rerun from Use it" }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(execution.status).toHaveText("Succeeded");
  await expect(execution.step("Take it")).toContainText("from before");
  await expect(execution.lines).toHaveText(["used the kept one"]);
  await expect(execution.fact("trigger")).toHaveText("rerun");
  await expect(execution.fact("repeats").getByRole("link")).toHaveAttribute("href", `/executions/${id}`);
  await expect(page.getByRole("button", { name: "Rerun from Use it" })).toBeHidden();
  await page.getByRole("button", { name: "Rerun all" }).click();
  await expect(execution.lines).toHaveText(["taken once", "used the kept one"]);
  await expect(execution.status).toHaveText("Succeeded");

  // The folder has gone to the newer one: a page that knows it does not offer it, one that does not is told.
  await execution.open(id);
  await expect(page.getByRole("button", { name: "Rerun all" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Rerun from Use it" })).toBeHidden();
  await other.getByRole("button", { name: "Rerun from Use it" }).click();
  await expect(other.getByText("its working folder is no longer there")).toBeVisible();
});

test("one that waits says why, and its place in line", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await server.run("alice", "single", { gate: "first-of-one" });
  const execution = new ExecutionPage(page);
  await execution.open(await server.run("alice", "single", { gate: "second-of-one" }));
  await expect(execution.status).toHaveText("Queued");
  await expect(page.getByText("next in line, as many of this workflow run as may")).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("main")).toContainText("next in line, as many of this workflow run as may");
  server.open("first-of-one");
  server.open("second-of-one");
  await expect(page.getByRole("main")).not.toContainText("next in line");
});
