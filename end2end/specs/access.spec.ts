import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { PASSWORD, REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import type { Server } from "../server.ts";

/** Every page there is, and each in the states that look different. */
async function everyPage(server: Server, look: (name: string, path: string, ready: (page: Page) => Promise<void>) => Promise<void>) {
  const live = async (page: Page) => await new ExecutionsPage(page).isLive();
  await look("executions, none yet", "/", live);
  server.open("broken");
  const failed = await server.run("alice", "breaks");
  await server.reaches("alice", failed, "execution.failed");
  const running = await server.run("alice", "assemble", { part: "widget" });
  await server.run("alice", "waits");
  const cancelled = await server.run("alice", "waits", { gate: "never" });
  const queued = await server.run("alice", "waits", { gate: "later" });
  await look("executions, busy", "/", live);
  await look("executions, no match", "/?status=timed_out", live);
  await look("execution, running", `/executions/${running}`, async (page) => {
    await live(page);
    await expect(page.getByRole("log")).toContainText("fetching");
  });
  await look("execution, queued", `/executions/${queued}`, live);
  await look("execution, failed", `/executions/${failed}`, live);
  await look("execution, asked to cancel", `/executions/${cancelled}`, async (page) => {
    await live(page);
    await new ExecutionPage(page).cancel.click();
  });
  server.open("found", "fetched", "built");
  await server.reaches("alice", running, "execution.completed");
  await look("execution, succeeded", `/executions/${running}`, live);
  await look("workflows", "/workflows", live);
  await look("workflow", "/workflows/assemble", live);
  await look("nothing there", "/executions/0190a000-0000-7000-8000-000000000000", async (page) => {
    await expect(page.getByRole("heading", { name: "There is no such execution" })).toBeVisible();
  });
}

async function isFineFor(page: Page, name: string, width: number) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  expect.soft(found, `axe on ${name}`).toEqual([]);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect.soft(wide, `the width of ${name}`).toBeLessThanOrEqual(width);
}

for (const width of [1440, 390]) {
  for (const colorScheme of ["light", "dark"] as const) {
    test.describe(`at ${width} pixels in ${colorScheme}`, () => {
      test.use({ flags: ["--max-executions", "3"] });

      test("every page is accessible, fits the screen and logs no error", async ({ server, visitor, stranger, troubles }) => {
        test.setTimeout(120_000);
        troubles.meant(REFUSED(404));
        const options = { colorScheme, viewport: { width, height: width > 500 ? 900 : 844 } };
        const nobody = await stranger(options);
        await nobody.goto("/set-up");
        await isFineFor(nobody, "set-up", width);
        await nobody.goto("/set-up?error=code");
        await isFineFor(nobody, "set-up, refused", width);

        const page = await visitor("alice", { ...options, role: "admin" });
        await nobody.goto("/sign-in?error=wrong");
        await isFineFor(nobody, "sign-in, refused", width);
        await everyPage(server, async (name, path, ready) => {
          await page.goto(path);
          await ready(page);
          await isFineFor(page, name, width);
        });
      });
    });
  }
}

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
  const list = new ExecutionsPage(page);
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
  await tabTo(page, "waits", "link");
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
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(execution.status).toHaveText("Cancelled");
});

test("whoever wants little motion gets none that goes on", async ({ server, visitor }) => {
  const page = await visitor("alice", { reducedMotion: "reduce" });
  const id = await server.run("alice", "waits");
  for (const open of [() => new ExecutionPage(page).open(id), () => new ExecutionsPage(page).open()]) {
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
  await new ExecutionsPage(page).open();
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
  await new ExecutionsPage(page).open();
  const said = page.getByRole("status").filter({ hasText: "waits:" });
  await server.run("alice", "waits");
  await expect(said).toHaveText("waits: running");
  server.open("go");
  await expect(said).toHaveText("waits: succeeded");
});
