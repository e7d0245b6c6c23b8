import type { Page } from "@playwright/test";
import { isFine } from "../fine.ts";
import { PASSWORD, REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { SettingsPage } from "../pages/settings.ts";
import { NowPage } from "../pages/now.ts";
import { WorkflowPage, WorkflowsPage } from "../pages/workflow.ts";

test.describe("in light and dark, on a desk and on a phone,", () => {
  test.use({ flags: ["--max-executions", "2"] });

  test("the doors are accessible and fit the screen", async ({ server, page }) => {
    await page.goto("/set-up");
    await isFine(page, "set-up");
    await page.goto("/set-up?error=code");
    await isFine(page, "set-up, refused");
    await server.addUser("alice");
    await page.goto("/sign-in?error=wrong");
    await isFine(page, "sign-in, refused");
  });

  test("the list of executions is accessible and fits the screen", async ({ server, visitor }) => {
    const list = new NowPage(await visitor("root", { role: "admin" }));
    await list.open();
    await isFine(list.page, "none yet");
    server.open("broken");
    await server.reaches("root", await server.run("root", "breaks"), "execution.failed");
    await server.run("root", "assemble", { part: "widget" });
    await server.run("root", "waits");
    await server.run("root", "waits");
    await list.open();
    await expect(list.queued).toHaveCount(1);
    await isFine(list.page, "busy");
    const all = new ExecutionsPage(list.page);
    await all.open();
    await all.rows.first().getByRole("checkbox").check();
    await isFine(list.page, "all, one selected");
    await all.open("?status=timed_out&from=1h");
    await isFine(list.page, "no match");
  });

  test("an execution is accessible and fits the screen", async ({ server, visitor }) => {
    const execution = new ExecutionPage(await visitor("alice"));
    server.open("broken");
    const failed = await server.run("alice", "breaks");
    await server.reaches("alice", failed, "execution.failed");
    await execution.open(failed);
    await isFine(execution.page, "failed");
    await execution.open(await server.run("alice", "assemble", { part: "widget" }));
    await expect(execution.lines).toHaveCount(1);
    await execution.cancel.click();
    await isFine(execution.page, "running, asked to cancel");
    server.open("found", "fetched", "built");
    await expect(execution.status).toHaveText("Succeeded");
    await isFine(execution.page, "succeeded");
  });

  test("the settings are accessible and fit the screen", async ({ server, visitor }) => {
    const settings = new SettingsPage(await visitor("root", { role: "admin" }));
    await server.run("root", "waits");
    const reader = await visitor("alice");
    await new ExecutionsPage(reader).open();
    for (const room of ["profile", "users", "sessions", "tokens", "streams", "health", "configuration"]) {
      await settings.open(room);
      await isFine(settings.page, room);
    }
  });

  test("what is above the pages and beside them is accessible and fits the screen", async ({ server, visitor }) => {
    const execution = new ExecutionPage(await visitor("root", { role: "admin" }));
    const { page } = execution;
    await execution.open(await server.run("root", "waits"));
    await page.getByRole("button", { name: "Follow this execution" }).click();
    await expect(page.getByRole("navigation", { name: "Following" })).toBeVisible();
    await isFine(page, "following");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("wai");
    await expect(page.getByRole("dialog", { name: "Commands" }).getByRole("option").first()).toBeVisible();
    await isFine(page, "the palette");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Shortcuts" })).toBeVisible();
    await isFine(page, "shortcuts");
    await page.keyboard.press("Escape");
    const settings = new SettingsPage(page);
    await settings.open("tokens");
    await page.getByLabel("For what").fill("laptop");
    await page.getByRole("button", { name: "Make it" }).click();
    await expect(settings.dialog.getByRole("textbox", { name: "Token" })).toBeVisible();
    await isFine(page, "a new token");
    await page.keyboard.press("Escape");
    await settings.row("laptop").getByRole("button", { name: "Revoke" }).click();
    await expect(settings.said).toContainText("revoked");
    await isFine(page, "a toast");
  });

  test("workflows and what is not there are accessible and fit the screen", async ({ server, visitor, troubles }) => {
    troubles.meant(REFUSED(404));
    server.write("quick", "steps: nothing\n");
    const page = await visitor("root", { role: "admin" });
    await server.reaches("root", await server.run("root", "waits"), "step.progress");
    const workflows = new WorkflowsPage(page);
    await expect(async () => {
      await workflows.open();
      await expect(workflows.row("quick")).toContainText("quick.yaml:1:8", { timeout: 100 });
    }).toPass();
    await isFine(page, "workflows");
    await new WorkflowPage(page).open("assemble");
    await isFine(page, "workflow");
    await page.goto("/executions/0190a000-0000-7000-8000-000000000000");
    await expect(page.getByRole("heading", { name: "There is no such execution" })).toBeVisible();
    await isFine(page, "nothing there");
  });
});

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, name: string | RegExp, role: "link" | "button" | "textbox") {
  const wanted = page.getByRole(role, { name }).first();
  await expect(wanted).toBeVisible();
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) return wanted;
  }
  throw new Error(`Tab does not reach the ${role} ${name}`);
}

test("by keyboard alone one signs in, starts, opens and cancels an execution", async ({ server, page }) => {
  await server.addUser("alice");
  await page.goto("/");
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  await page.keyboard.type("alice");
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  const list = new NowPage(page);
  await list.isLive();

  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();

  await tabTo(page, "Run a workflow", "link");
  await page.keyboard.press("Enter");
  await tabTo(page, "Run waits", "link");
  await page.keyboard.press("Enter");
  await tabTo(page, "Run", "button");
  await page.keyboard.press("Enter");
  const execution = new ExecutionPage(page);
  await expect(execution.status).toHaveText("Running");

  await list.open();
  await tabTo(page, /^waits$/, "link");
  await page.keyboard.press("Enter");
  await expect(execution.heading).toHaveText("waits");
  await tabTo(page, "Cancel", "button");
  await page.keyboard.press("Enter");
  // The question takes the focus on the answer that does no harm, and Escape takes it back.
  await expect(execution.question.getByRole("button", { name: "Keep it running" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(execution.question).toBeHidden();
  await expect(execution.cancel).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(execution.status).toHaveText("Cancelled");
});

test("whoever wants little motion gets none that goes on", async ({ server, visitor }) => {
  const page = await visitor("alice", { reducedMotion: "reduce" });
  const id = await server.run("alice", "waits");
  for (const open of [() => new ExecutionPage(page).open(id), () => new NowPage(page).open()]) {
    await open();
    await expect(page.getByRole("progressbar").first()).toBeVisible();
    const moving = await page.evaluate(() =>
      document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations === Infinity).length,
    );
    expect(moving).toBe(0);
  }
});

test("the theme is chosen by a button, and kept", async ({ visitor }) => {
  const page = await visitor("alice", { colorScheme: "light" });
  await new NowPage(page).open();
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).click();
  await expect(page.getByRole("button", { name: "Theme: dark" })).toBeVisible();
  await expect.poll(background).not.toBe(light);
  const dark = await background();
  await page.reload();
  expect(await background()).toBe(dark);
  await expect(page.getByRole("button", { name: "Theme: dark" })).toBeVisible();
});

test("who can't see the page hears what happens to an execution", async ({ server, visitor }) => {
  const page = await visitor("alice");
  await new NowPage(page).open();
  const said = page.getByRole("status").filter({ hasText: "waits:" });
  await server.run("alice", "waits");
  await expect(said).toHaveText("waits: running");
  server.open("go");
  await expect(said).toHaveText("waits: succeeded");
});
