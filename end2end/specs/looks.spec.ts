import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page, TestInfo } from "@playwright/test";
import { isFine } from "../fine.ts";
import { REFUSED, expect, test } from "../fixtures.ts";

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
