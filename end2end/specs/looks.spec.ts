import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page, TestInfo } from "@playwright/test";
import { isFine } from "../fine.ts";
import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { NowPage } from "../pages/now.ts";
import { SettingsPage } from "../pages/settings.ts";
import { CheckPage, WorkflowPage, WorkflowsPage } from "../pages/workflow.ts";
import type { Server } from "../server.ts";

/**
 * How pages look, beside pictures of them. Pictures belong to a release of Chromium and to the fonts of a machine, for which
 * the widths of two lines stand: with others there is nothing to compare with until somebody has looked at those that
 * `npx playwright test looks --update-snapshots=all` takes.
 */
const letters = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d")!;
    return ["system-ui", "monospace"].map((font) => {
      canvas.font = `100px ${font}`;
      return Math.round(canvas.measureText("Sphinx of black quartz, judge my vow 0123456789").width);
    });
  });

/** The pictures that belong to this browser and these fonts; none if nobody has taken any. */
async function kindOf(page: Page, browser: Browser, info: TestInfo) {
  const kind = ["chromium", browser.version().split(".")[0], ...(await letters(page))].join("-");
  const known = existsSync(join(import.meta.dirname, "../looks", kind));
  test.skip(!known && info.config.updateSnapshots !== "all", `there are no pictures of ${kind}`);
  return kind;
}

/** Compares what is in view, without what is another thing each time. */
async function looks(page: Page, kind: string, name: string, ...changing: string[]) {
  const mask = ["time", ".live-light", ...changing].map((part) => page.locator(part));
  await expect(page.locator("main, .door").first()).toBeVisible();
  await page.evaluate(() => document.fonts.ready);
  await expect(page).toHaveScreenshot([kind, `${name}.png`], { mask, maxDiffPixelRatio: 0.02, animations: "disabled" });
}

const SIZES = [
  { name: "desktop-light", viewport: { width: 1440, height: 900 }, colorScheme: "light" },
  { name: "tablet-dark", viewport: { width: 1024, height: 768 }, colorScheme: "dark" },
  { name: "phone-light", viewport: { width: 390, height: 844 }, colorScheme: "light" },
] as const;

for (const { name: size, ...options } of SIZES) {
  test(`pages look as they did, ${size}`, async ({ server, stranger, visitor, browser, troubles }, info) => {
    troubles.meant(REFUSED(404));
    const first = await stranger(options);
    const kind = await kindOf(first, browser, info);
    const look = (page: Page, name: string, ...changing: string[]) => looks(page, kind, `${name}-${size}`, ...changing);

    await first.goto("/set-up");
    await look(first, "set-up");

    const page = await visitor("ada", { role: "admin", ...options });
    for (const [name, path] of [["now-empty", "/"], ["executions-empty", "/executions"], ["not-found", "/nowhere"], ["check", "/check"], ["groups", "/settings/groups"]] as const) {
      await page.goto(path);
      await look(page, name);
    }
    const signedOut = await stranger(options);
    await signedOut.goto("/sign-in");
    await look(signedOut, "sign-in");

    await page.goto("/workflows/assemble");
    await look(page, "workflow");
    const id = await server.run("ada", "breaks");
    server.open("broken");
    await server.reaches("ada", id, "execution.failed");
    await page.goto(`/executions/${id}`);
    await expect(page.getByText("table invoices cannot be read").first()).toBeVisible();
    await look(page, "failed", "code", '[data-part="when"]', '[data-part="took"]', '[data-part="minutes"]', "aside");
  });
}

const DESKTOP = { viewport: { width: 1440, height: 900 }, colorScheme: "light" } as const;
const PHONE = { width: 390, height: 844 };

/** An execution's id and the clock times of its ruler; of one that has ended also how long it took. */
const ID = '[data-part="path"] code';
const RULER = '[data-part="ruler"] ol';
const TOOK = ['[data-part="elapsed"] strong', '[data-part="controls"] output', '[data-part="figure"]'];

/** One run that goes well, one that fails, and one that waits at a gate; returns the last one's id. */
async function someRuns(server: Server) {
  server.open("broken");
  await server.reaches("ada", await server.run("ada", "quick"), "execution.completed");
  await server.reaches("ada", await server.run("ada", "breaks"), "execution.failed");
  return await server.run("ada", "assemble", { part: "cog" });
}

test("what runs and what has run looks as it did", async ({ server, visitor, browser }, info) => {
  const page = await visitor("ada", DESKTOP);
  const kind = await kindOf(page, browser, info);
  const id = await someRuns(server);
  const [now, list, execution] = [new NowPage(page), new ExecutionsPage(page), new ExecutionPage(page)];
  await execution.open(id);
  await expect(execution.bar).toHaveAttribute("aria-valuenow", "6.6");
  await expect(execution.lines).toHaveCount(1);
  const held = (await server.snapshot("ada", id)) as unknown as { seq: number; started_at: string };
  // However slow the machine is, what runs has run for as long.
  await page.clock.setFixedTime(Date.parse(held.started_at) + 20_000);
  const look = (name: string, ...changing: string[]) => looks(page, kind, name, ...changing);
  const lookAtAll = async (size: string) => {
    await now.open();
    await expect(now.running).toContainText(["looking for cog"]);
    await expect(now.ended).toHaveCount(2);
    await look(`now-${size}`, '.activity-strip [data-part="axis"]', '.ended-list [data-part="number"]');
    await list.open();
    await expect(list.rows).toHaveCount(3);
    await look(`executions-${size}`, 'td[data-part="took"]', 'td[data-part="id"]');
    await execution.open(id);
    await expect(execution.lines).toHaveCount(1);
    await look(`running-${size}`, ID, RULER);
  };

  await lookAtAll("desktop-light");
  await page.emulateMedia({ colorScheme: "dark" });
  await look("running-desktop-dark", ID, RULER);
  await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
  await look("running-desktop-forced", ID, RULER);
  await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
  await execution.openGraph(id);
  await expect(execution.node("Fetch the parts")).toHaveAttribute("data-status", "running");
  await look("graph-desktop-light", ID, RULER);
  await page.setViewportSize(PHONE);
  await lookAtAll("phone-light");
  await page.setViewportSize(DESKTOP.viewport);

  server.open("found", "fetched", "built");
  await server.reaches("ada", id, "execution.completed");
  await execution.open(id);
  await expect(execution.lines).toHaveCount(5);
  await expect(execution.result).toBeVisible();
  await look("result-desktop-light", ID, RULER, ...TOOK);
  await page.goto(`/executions/${id}?at=${held.seq}`);
  await expect(execution.then).toBeVisible();
  await expect(execution.lines).toHaveCount(1);
  await look("then-desktop-light", RULER, ...TOOK, '[data-part="then"] strong');
});

test("workflows and their files look as they did", async ({ server, visitor, browser }, info) => {
  server.write("wrong", "description: Has two mistakes\nsteps:\n  - id: a\n    rum: echo a\n");
  const page = await visitor("ada", { role: "admin", ...DESKTOP });
  const kind = await kindOf(page, browser, info);
  await someRuns(server);
  const workflows = new WorkflowsPage(page);
  await workflows.open();
  await expect(workflows.row("wrong")).toContainText("It can't be run.");
  await expect(workflows.row("breaks").getByRole("link", { name: "Failed" })).toBeVisible();
  await looks(page, kind, "workflows-desktop-light", 'td[data-part="usual"]:not(:empty)', '[data-part="last"] small');
  await new WorkflowPage(page).open("wrong");
  await looks(page, kind, "broken-desktop-light");

  const check = new CheckPage(page);
  await check.open();
  await check.text.fill("timezone: Europe/Berlin\nschedule: 30 9 * * MON-FRI\nparams:\n  - { name: part, default: cog }\nsteps:\n  - id: a\n    run: echo a\n  - id: b\n    needs: [a]\n    run: echo b\n");
  await expect(check.verdict).toHaveText("The file is good.");
  await looks(page, kind, "check-plan-desktop-light");
  await check.text.fill("timezone: Europe/Berlin\nsteps:\n  - id: a\n    rum: echo a\n  - id: b\n    needs: [aa]\n    run: echo b\n");
  await expect(check.verdict).toHaveText("3 errors");
  await looks(page, kind, "check-errors-desktop-light");
});

test("the settings look as they did", async ({ server, visitor, browser }, info) => {
  const page = await visitor("ada", { role: "admin", ...DESKTOP });
  const kind = await kindOf(page, browser, info);
  await server.token("ada");
  await new NowPage(await visitor("bob")).open();
  const settings = new SettingsPage(page);
  for (const [room, ...changing] of [
    ["profile"],
    ["users"],
    ["sessions"],
    ["tokens"],
    ["streams", 'td[data-type="number"]'],
    ["health", ".stat-line dd"],
    ["configuration", '[data-state="given"] td[data-part="wide"]'],
  ] as const) {
    await settings.open(room);
    if (room === "streams") await expect(settings.row("bob")).toBeVisible();
    await looks(page, kind, `${room}-desktop-light`, ...changing);
  }
});

test.describe("of a server that shows its design", () => {
  test.use({ flags: ["--design"] });

  test("every part looks as it did, in light, in dark, with more contrast and on a phone", async ({ visitor, browser }, info) => {
    test.setTimeout(180_000);
    const page = await visitor("ada");
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.goto("/design");
    await expect(page.locator(".design-page > section > h2")).toHaveCount(20);
    const kind = await kindOf(page, browser, info);
    const set = async (scheme: "light" | "dark", contrast: boolean, width: number, height: number) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.evaluate((more) => {
        if (more) document.documentElement.dataset.contrast = "more";
        else delete document.documentElement.dataset.contrast;
      }, contrast);
      await looks(page, kind, `design-${scheme}${contrast ? "-contrast" : ""}-${width}`);
    };
    await set("light", false, 1440, 5200);
    await set("dark", false, 1440, 5200);
    await set("dark", true, 1440, 5200);
    await set("light", false, 390, 7200);
    await isFine(page, "the design");
  });
});
