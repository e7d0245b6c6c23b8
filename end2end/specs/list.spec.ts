import { expect, test } from "../fixtures.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { WorkflowPage } from "../pages/workflow.ts";

test("what runs appears by itself in another browser, moves on, and ends among what has ended", async ({ server, visitor }) => {
  const watcher = await visitor("alice");
  const list = new ExecutionsPage(watcher);
  await list.open();
  const nothing = watcher.getByRole("heading", { name: "Nothing has run yet" });
  await expect(nothing).toBeVisible();

  const starter = await visitor("alice");
  const workflow = new WorkflowPage(starter);
  await workflow.open("assemble");
  await workflow.field("part").fill("cog");
  await workflow.run.click();

  await expect(list.running).toHaveCount(1);
  await expect(nothing).toBeHidden();
  const row = list.running.first();
  await expect(row.getByRole("link", { name: "assemble" })).toBeVisible();
  await expect(row).toContainText("Fetch the parts 1 of 3");
  await expect(row).toContainText("looking for cog");
  await expect(row.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "6.6");
  await expect(watcher).toHaveTitle("1 running · Runcast");

  server.open("found", "fetched");
  await expect(row).toContainText("Build the thing 2 of 3");
  await expect(row.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "50");

  server.open("built");
  await expect(list.ended).toHaveCount(1);
  await expect(list.running).toHaveCount(0);
  await expect(list.ended.getByRole("img", { name: "Succeeded" })).toBeVisible();
  await list.ended.getByRole("link", { name: "assemble" }).click();
  await expect(watcher.getByRole("heading", { level: 1, name: "assemble" })).toBeVisible();
});

test("a failure brings its first words into the list", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new ExecutionsPage(page);
  await list.open();
  server.open("broken");
  await server.run("alice", "breaks");
  await expect(list.ended).toHaveCount(1);
  await expect(list.ended.getByRole("img", { name: "Failed" })).toBeVisible();
  await expect(list.ended).toContainText("migrate: table invoices cannot be read");
});

test.describe("with room for one at a time", () => {
  test.use({ flags: ["--max-executions", "1"] });

  test("what waits for its turn stands under Queued, and moves to Running when it comes", async ({ server, visitor }) => {
    const page = await visitor("alice");
    const list = new ExecutionsPage(page);
    await list.open();
    await server.run("alice", "waits");
    await server.run("alice", "waits", { gate: "second" });
    await expect(list.running).toHaveCount(1);
    await expect(list.queued).toHaveCount(1);
    await expect(list.queued).toContainText("next in line, the server runs as many as it may");
    server.open("go");
    await expect(list.ended).toHaveCount(1);
    await expect(list.running).toHaveCount(1);
    await expect(list.queued).toHaveCount(0);
    server.open("second");
    await expect(list.ended).toHaveCount(2);
    await expect(list.running).toHaveCount(0);
  });
});

test("the list is filtered by status, workflow and text, by hand and by its address", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("broken");
  for (const workflow of ["quick", "breaks", "quick"]) {
    const id = await server.run("alice", workflow);
    await server.reaches("alice", id, workflow === "breaks" ? "execution.failed" : "execution.completed");
  }
  await server.run("alice", "waits");

  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.running).toHaveCount(1);
  await expect(list.ended).toHaveCount(3);

  await list.filters.getByRole("combobox", { name: "Status" }).selectOption("Failed");
  await expect(page).toHaveURL("/?status=failed");
  await expect(list.ended).toHaveCount(1);
  await expect(list.running).toHaveCount(0);

  await page.goBack();
  await expect(list.ended).toHaveCount(3);
  await expect(list.running).toHaveCount(1);
  await expect(list.filters.getByRole("combobox", { name: "Status" })).toHaveValue("");

  await list.filters.getByRole("combobox", { name: "Workflow" }).selectOption("quick");
  await expect(page).toHaveURL("/?workflow=quick");
  await expect(list.ended).toHaveCount(2);

  await list.open("?status=succeeded&workflow=breaks");
  await expect(page.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await page.getByRole("link", { name: "Drop the filters" }).click();
  await expect(list.ended).toHaveCount(3);

  await list.open("?q=invoices");
  await expect(list.ended).toHaveCount(1);
});

test("a filtered list takes in what begins to match, and gives up what does no more", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new ExecutionsPage(page);
  await server.run("alice", "waits");
  await list.open("?status=running");
  await expect(list.running).toHaveCount(1);
  await server.run("alice", "waits", { gate: "second" });
  await expect(list.running).toHaveCount(2);
  server.open("go");
  await expect(list.running).toHaveCount(1);
  await expect(list.ended).toHaveCount(0);

  await list.open("?status=succeeded");
  await expect(list.ended).toHaveCount(1);
  server.open("second");
  await expect(list.ended).toHaveCount(2);
});

test("an admin narrows the list to one owner", async ({ server, visitor }) => {
  const page = await visitor("root", { role: "admin" });
  for (const user of ["alice", "bob"]) {
    await server.addUser(user);
    await server.reaches(user, await server.run(user, "quick"), "execution.completed");
  }
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.ended).toHaveCount(2);
  await list.filters.getByRole("textbox", { name: "Owner" }).fill("bob");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/?owner=bob");
  await expect(list.ended).toHaveCount(1);
  await server.run("alice", "quick");
  await server.run("bob", "quick");
  await expect(list.ended).toContainText(["bob", "bob"]);
  await expect(list.ended).toHaveCount(2);
});

test("a long list is read page by page", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const ids: string[] = [];
  for (let n = 0; n < 55; n += 1) ids.push(await server.run("alice", "quick"));
  for (const id of ids) await server.reaches("alice", id, "execution.completed");
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.ended).toHaveCount(50);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(list.ended).toHaveCount(5);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(list.ended).toHaveCount(50);
});
