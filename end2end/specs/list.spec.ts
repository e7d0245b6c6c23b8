import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionsPage } from "../pages/executions.ts";

test("the list is filtered by status, workflow, trigger, time and text, by hand and by its address", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("broken");
  for (const workflow of ["quick", "breaks", "quick"]) {
    const id = await server.run("alice", workflow);
    await server.reaches("alice", id, workflow === "breaks" ? "execution.failed" : "execution.completed");
  }
  await server.run("alice", "waits");

  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.rows).toHaveCount(4);
  await expect(list.withStatus("Running")).toHaveCount(1);
  await expect(list.rows.first()).toContainText("waits");
  await expect(list.withStatus("Failed")).toContainText("migrate: table invoices cannot be read");
  await expect(list.withStatus("Succeeded").first()).toContainText("said word");

  const choose = async (name: string, option: string) =>
    await list.filters.getByRole("combobox", { name }).selectOption(option);
  await choose("Status", "Failed");
  await expect(page).toHaveURL("/executions?status=failed");
  await expect(list.rows).toHaveCount(1);

  await page.goBack();
  await expect(page).toHaveURL("/executions");
  await expect(list.rows).toHaveCount(4);
  await expect(list.filters.getByRole("combobox", { name: "Status" })).toHaveValue("");

  await choose("Workflow", "quick");
  await expect(list.rows).toHaveCount(2);
  await choose("Trigger", "webhook");
  await expect(page).toHaveURL("/executions?workflow=quick&trigger=webhook");
  await expect(page.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await list.chips.getByRole("link", { name: "Remove the filter trigger: webhook" }).click();
  await expect(page).toHaveURL("/executions?workflow=quick");
  await expect(list.rows).toHaveCount(2);
  await expect(list.chips).toHaveCount(2);

  await choose("Started", "The last hour");
  await expect(page).toHaveURL("/executions?workflow=quick&from=1h");
  await expect(list.rows).toHaveCount(2);
  await choose("Started", "From, to");
  await page.getByLabel("To", { exact: true }).fill("2001-02-03T04:05");
  await page.getByLabel("To", { exact: true }).press("Enter");
  await expect(page).toHaveURL(/workflow=quick&to=2001-02-0/);
  await expect(page.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await page.getByRole("link", { name: "Clear the filters" }).click();
  await expect(list.rows).toHaveCount(4);

  await list.open("?status=succeeded&workflow=breaks");
  await expect(page.getByRole("heading", { name: "No execution matches" })).toBeVisible();
  await list.open("?q=invoices");
  await expect(list.rows).toHaveCount(1);
});

test("a text is looked for while it is typed, and is one step back", async ({ server, visitor }) => {
  const page = await visitor("alice");
  for (const workflow of ["quick", "waits"]) await server.run("alice", workflow);
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.rows).toHaveCount(2);
  await page.keyboard.press("/");
  await expect(list.filters.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("qui", { delay: 30 });
  await expect(page).toHaveURL("/executions?q=qui");
  await expect(list.rows).toHaveCount(1);
  await expect(list.filters.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("ck", { delay: 30 });
  await expect(page).toHaveURL("/executions?q=quick");
  await expect(list.filters.getByRole("searchbox")).toHaveValue("quick");
});

test("a filtered list takes in what begins to match, and gives up what does no more", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new ExecutionsPage(page);
  await server.run("alice", "waits");
  await list.open("?status=running");
  await expect(list.rows).toHaveCount(1);
  await server.run("alice", "waits", { gate: "second" });
  await expect(list.rows).toHaveCount(2);
  server.open("go");
  await expect(list.rows).toHaveCount(1);
  await expect(list.withStatus("Running")).toHaveCount(1);

  await list.open("?status=succeeded");
  await expect(list.rows).toHaveCount(1);
  server.open("second");
  await expect(list.rows).toHaveCount(2);
});

test("an admin narrows the list to one owner", async ({ server, visitor }) => {
  const page = await visitor("root", { role: "admin" });
  for (const user of ["alice", "bob"]) {
    await server.addUser(user);
    await server.reaches(user, await server.run(user, "quick"), "execution.completed");
  }
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.rows).toHaveCount(2);
  await list.filters.getByRole("textbox", { name: "Owner" }).fill("bob");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/executions?owner=bob");
  await expect(list.rows).toHaveCount(1);
  await server.run("alice", "quick");
  await server.run("bob", "quick");
  await expect(list.rows).toContainText(["bob", "bob"]);
  await expect(list.rows).toHaveCount(2);
});

test("a long list is read page by page, there and back", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const ids: string[] = [];
  for (let n = 0; n < 55; n += 1) ids.push(await server.run("alice", "quick"));
  for (const id of ids) await server.reaches("alice", id, "execution.completed");
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.rows).toHaveCount(50);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(list.rows).toHaveCount(5);
  await page.goBack();
  await expect(list.rows).toHaveCount(50);
  await page.goForward();
  await expect(list.rows).toHaveCount(5);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(list.rows).toHaveCount(50);
});

test("what is new waits above while somebody reads, and comes when they ask for it", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const list = new ExecutionsPage(page);
  await server.run("alice", "waits");
  await list.open();
  await list.rows.first().hover();
  const before = await list.rows.first().boundingBox();
  await server.run("alice", "quick");
  await server.run("alice", "quick");
  const more = page.getByRole("button", { name: "2 new" });
  await expect(more).toBeVisible();
  await expect(list.rows).toHaveCount(1);
  expect(await list.rows.first().boundingBox()).toEqual(before);
  await more.click();
  await expect(list.rows).toHaveCount(3);
  await expect(more).toBeHidden();
});

test("several are selected by box, range and key, cancelled after a question, and run again", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("broken");
  await server.reaches("alice", await server.run("alice", "breaks"), "execution.failed");
  const running = [await server.run("alice", "waits"), await server.run("alice", "waits")];
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.withStatus("Running")).toHaveCount(2);
  const boxes = list.rows.getByRole("checkbox");
  await boxes.nth(0).click();
  await expect(list.selection).toContainText("1 selected");
  await boxes.nth(2).click({ modifiers: ["Shift"] });
  await expect(list.selection).toContainText("3 selected");
  await page.keyboard.press("Escape");
  await expect(list.selection).toBeHidden();
  await expect(list.rows.getByRole("checkbox", { checked: true })).toHaveCount(0);

  await page.getByRole("checkbox", { name: "Choose all that are shown" }).check();
  // Each deed tells for how many of the three it makes sense.
  await expect(list.selection.getByRole("button", { name: "Run again 1" })).toBeVisible();
  await expect(list.selection.getByRole("button", { name: "Run from what failed 1" })).toBeVisible();
  await list.selection.getByRole("button", { name: "Cancel 2" }).click();
  const question = page.getByRole("group", { name: "Cancel 2 executions?" });
  await expect(question.getByRole("button", { name: "Keep them running" })).toBeFocused();
  await question.getByRole("button", { name: "Yes, cancel 2" }).click();
  await expect(list.selection).toContainText("2 told to stop");
  await expect(list.withStatus("Cancelled")).toHaveCount(2);
  for (const id of running) expect((await server.snapshot("alice", id)).status).toBe("cancelled");

  // The keyboard alone: to the last row, choose it, run it again.
  await page.getByRole("button", { name: "Clear the selection" }).click();
  for (const key of ["j", "j", "ArrowDown", "k", "j", "x"]) await page.keyboard.press(key);
  await expect(list.rows.nth(2).getByRole("checkbox")).toBeChecked();
  await list.selection.getByRole("button", { name: "Run again" }).click();
  await expect(list.selection).toContainText("1 started again");
  await expect(list.selection.getByRole("link", { name: "Show" })).toHaveAttribute("href", /^\/executions\/[0-9a-f-]{36}$/);
  await list.selection.getByRole("button", { name: "Clear the selection" }).click();
  await page.mouse.move(0, 0);
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await expect(list.rows).toHaveCount(4);
  await expect(list.withStatus("Failed")).toHaveCount(2);
  await expect(list.rows.first()).toContainText("rerun");
});

test("a row leads to its execution from anywhere but its box", async ({ server, visitor }) => {
  const list = new ExecutionsPage(await visitor("alice"));
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  await list.open();
  await list.rows.first().getByRole("checkbox").check();
  await expect(list.selection).toBeVisible();
  // What is under the pointer there is the link.
  await list.rows.first().getByText("Succeeded").click({ force: true });
  await expect(list.page).toHaveURL(`/executions/${id}`);
});

test("what is refused is said of each", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(409));
  const page = await visitor("alice");
  server.write("gone", "steps:\n  - id: say\n    run: echo word\n");
  await expect(async () => await server.run("alice", "gone")).toPass();
  const list = new ExecutionsPage(page);
  await list.open();
  await expect(list.withStatus("Succeeded")).toHaveCount(1);
  server.erase("gone");
  await expect.poll(async () => (await page.request.get("/api/workflows/gone")).status()).toBe(404);
  await list.rows.getByRole("checkbox").first().check();
  await list.selection.getByRole("button", { name: "Run again" }).click();
  await expect(list.selection).toContainText("there is no workflow gone any more");
  await expect(list.selection).toContainText("1 selected");
});
