import type { Page } from "@playwright/test";
import { UNREACHABLE, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { SettingsPage } from "../pages/settings.ts";

const palette = (page: Page) => page.getByRole("dialog", { name: "Commands" });
const options = (page: Page) => palette(page).getByRole("option");
const chosen = (page: Page) => palette(page).getByRole("option", { selected: true });

test("by Ctrl K and a few letters one goes to a workflow, with nothing but keys", async ({ visitor }) => {
  const page = await visitor("alice");
  await new ExecutionsPage(page).open();
  await page.keyboard.press("Control+k");
  await expect(palette(page)).toBeVisible();
  await expect(palette(page).getByRole("combobox")).toBeFocused();
  await page.keyboard.type("run asse");
  await expect(options(page).first()).toContainText("Run assemble");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/workflows/assemble");
  await expect(palette(page)).toBeHidden();
});

test("it opens without waiting for the server", async ({ visitor, troubles }) => {
  troubles.meant(UNREACHABLE);
  const page = await visitor("alice");
  await new ExecutionsPage(page).open();
  await page.route("**/fn/**", () => {});
  await page.keyboard.press("Control+k");
  await expect(options(page)).toContainText(["Now", "Executions", "Workflows", "Profile"]);
  await page.keyboard.type("wf");
  await expect(palette(page).getByText("Nothing fits.")).toBeVisible();
});

test("executions are found by what they are and whose, and arrows choose among them", async ({ server, visitor }) => {
  const page = await visitor("root", { role: "admin" });
  await server.addUser("grace");
  server.open("broken");
  const id = await server.run("grace", "breaks");
  await server.reaches("grace", id, "execution.failed");
  await server.run("root", "waits");
  await new ExecutionsPage(page).open();
  await page.getByRole("button", { name: "Search" }).click();
  await page.keyboard.type("grace");
  await expect(options(page)).toHaveCount(1);
  await expect(options(page)).toContainText("breaks");
  await expect(options(page)).toContainText("table invoices cannot be read");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/executions/${id}`);

  await page.keyboard.press("Control+k");
  // All that there is to choose from has come.
  await expect(options(page).filter({ hasText: "root, " })).toBeVisible();
  await expect(options(page).filter({ hasText: "Run this again" })).toBeVisible();
  const first = await chosen(page).textContent();
  await page.keyboard.press("ArrowDown");
  await expect(chosen(page)).not.toHaveText(first!);
  const named = await palette(page).getByRole("combobox").getAttribute("aria-activedescendant");
  await expect(chosen(page)).toHaveAttribute("id", named!);
  await page.keyboard.press("ArrowUp");
  await expect(chosen(page)).toHaveText(first!);
  await page.keyboard.press("Escape");
  await expect(palette(page)).toBeHidden();
});

test("what is another's is not found", async ({ server, visitor }) => {
  await server.addUser("root", "admin");
  const page = await visitor("alice");
  await server.run("root", "waits");
  await new ExecutionsPage(page).open();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("root");
  await expect(palette(page).getByText("Nothing fits.")).toBeVisible();
});

test("Enter in the palette that was just opened goes somewhere and changes nothing", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  await execution.open(id);
  await page.keyboard.press("Control+k");
  await expect(options(page).filter({ hasText: "Run this again" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(palette(page)).toBeHidden();
  await expect(page).toHaveURL(`/executions/${id}`);
  const { items } = await (await page.request.get("/api/executions")).json();
  expect(items.map((one: { id: string }) => one.id)).toEqual([id]);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("quick");
  await expect(options(page).first()).toContainText("Run quick");
});

test("the execution that is open is cancelled after a question, and run again", async ({ server, visitor }) => {
  const execution = new ExecutionPage(await visitor("alice"));
  const { page } = execution;
  const id = await server.run("alice", "waits");
  await execution.open(id);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("cancel");
  await expect(options(page).first()).toContainText("Cancel this");
  await page.keyboard.press("Enter");
  await expect(options(page)).toHaveText(["Keep it running", "Yes, cancel it"]);
  await page.keyboard.press("Enter");
  await expect(palette(page)).toBeHidden();
  expect((await server.snapshot("alice", id)).status).toBe("running");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("cancel");
  await expect(options(page).first()).toContainText("Cancel this");
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status", { name: "What was done" })).toContainText("Cancelled");
  await server.reaches("alice", id, "execution.cancelled");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("again");
  await expect(options(page).first()).toContainText("Run this again");
  await page.keyboard.press("Enter");
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(page).toHaveURL(/\/executions\//);
});

test("two keys lead to a page whose heading has the focus, and none acts while one writes", async ({ visitor }) => {
  const page = await visitor("alice");
  await new ExecutionsPage(page).open();
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await expect(page).toHaveURL("/workflows");
  await expect(page.getByRole("heading", { level: 1, name: "Workflows" })).toBeFocused();
  await page.keyboard.press("g");
  await page.keyboard.press("e");
  await expect(page).toHaveURL("/executions");
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await page.keyboard.press("/");
  const search = page.getByRole("searchbox", { name: "Text" });
  await expect(search).toBeFocused();
  await page.keyboard.type("gw?");
  await expect(search).toHaveValue("gw?");
  await expect(page).toHaveURL("/executions");
});

test("the shortcuts are listed by ?, and can be turned off", async ({ visitor }) => {
  const page = await visitor("alice");
  await new SettingsPage(page).open("profile");
  const list = page.getByRole("dialog", { name: "Shortcuts" });
  await page.keyboard.press("?");
  await expect(list).toContainText("Go to Workflows");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("?");
  await expect(palette(page)).toBeHidden();
  await expect(list).toBeVisible();
  await list.getByRole("switch", { name: "Shortcuts of single keys" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();
  await page.keyboard.press("?");
  await page.keyboard.press("g");
  await page.keyboard.press("w");
  await expect(page).toHaveURL("/profile");
  await expect(list).toBeHidden();
  await page.keyboard.press("Control+k");
  await expect(palette(page)).toBeVisible();
});
