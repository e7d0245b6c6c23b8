import { type BrowserContext, type Page, expect } from "@playwright/test";
import type { Server } from "./server.ts";

/** What a page must be equal to a fresh load within, after it is back. */
export const TRUE_AGAIN = 2_000;
/** Within which another tab leads after the leader is gone. */
export const TAKEN_OVER = 2_000;
/** What a busy machine may add to both: it runs a server, a browser and builds on two cores. */
export const MARGIN = Number(process.env.MARGIN ?? 500);

/** How many streams the server has open. */
export async function streams(server: Server) {
  const headers = { authorization: `Bearer ${await server.token("root")}` };
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text();
  return Number(/^runcast_stream_readers (\d+)/m.exec(text)?.[1]);
}

/** Whether this tab reads the streams for all tabs of its browser. */
export async function leads(page: Page) {
  return (await page.locator(".live-light").getAttribute("data-leads")) === "true";
}

/** The one tab that leads, and the others, once exactly one does and the others know it. */
export async function leaderOf(pages: Page[]) {
  let found: boolean[] = [];
  await expect(async () => {
    found = await Promise.all(pages.map(leads));
    expect(found.filter(Boolean)).toHaveLength(1);
    for (const page of pages) await expect(page.locator(".live-light")).toHaveAttribute("data-leads", /true|false/);
  }).toPass();
  return { leader: pages[found.indexOf(true)], others: pages.filter((_, n) => !found[n]) };
}

/** All that a page says, in a form that two pages at one address can be compared by. */
export async function normal(page: Page) {
  return await page.evaluate(read);
}

/** Runs in the page. What ticks by itself, what was only announced, and what is there for the eye alone, is left out. */
function read() {
  const NAMES = ["role", "aria-label", "aria-valuenow", "aria-valuetext", "aria-current", "data-status", "datetime", "href", "hidden", "title"];
  const ANNOUNCED = '.visually-hidden[role="status"], [aria-hidden="true"]';
  const ticks = (text: string) => text.replace(/\d+(\.\d+)?\s?(ms|s|min|m|h|d)\b/g, "#").replace(/\b\d+:\d\d(:\d\d)?\b/g, "#");
  // When a run is expected to end is told anew every so often, whether anything happens or not.
  const expected = (text: string) => /^(any moment|~#|about #)$/.test(text);
  const lines: string[] = [document.title];
  const walk = (node: Node, depth: number) => {
    if (node instanceof Text) {
      const text = ticks(node.data.replace(/\s+/g, " ").trim());
      if (text && !expected(text)) lines.push(" ".repeat(depth) + text);
    }
    if (!(node instanceof Element) || node.matches(ANNOUNCED) || node.matches("script, style")) return;
    if (!node.checkVisibility()) return;
    const attributes = NAMES.flatMap((name) => (node.hasAttribute(name) ? [`${name}=${ticks(node.getAttribute(name)!)}`] : []));
    lines.push(`${" ".repeat(depth)}<${[node.localName, ...attributes].join(" ")}>`);
    for (const child of node.childNodes) walk(child, depth + 1);
  };
  const main = document.querySelector("main");
  if (main) walk(main, 0);
  return lines.join("\n");
}

/**
 * A page that was left open becomes, within two seconds from now, what the same page is when it is loaded, and stays so.
 * Call it at the moment of being back, when nothing more happens on the server.
 */
export async function becomesWhatAFreshOneIs(old: Page, context: BrowserContext = old.context()) {
  const back = Date.now();
  const seen: { after: number; what: string }[] = [];
  let watching = true;
  const watch = (async () => {
    while (watching) {
      const what = await normal(old).catch(() => "");
      seen.push({ after: Date.now() - back, what });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  const fresh = await context.newPage();
  try {
    await fresh.goto(old.url());
    await expect(fresh.getByRole("status", { name: "Connection" })).toHaveText("In sync");
    // It is awake: it knows what time it is.
    await expect(fresh.getByRole("button", { name: "Search" })).toBeEnabled();
    const truth = await normal(fresh);
    await expect(async () => expect(await normal(old)).toBe(truth)).toPass();
    watching = false;
    await watch;
    const last = seen.findLastIndex(({ what }) => what !== truth);
    const when = seen[last + 1]?.after ?? Date.now() - back;
    expect(when, "milliseconds until it was true again").toBeLessThanOrEqual(TRUE_AGAIN + MARGIN);
    return when;
  } finally {
    watching = false;
    await watch;
    await fresh.close();
  }
}

/** Puts a page to sleep as a system does with a tab: nothing in it runs any more. Chromium freezes no tab that is in view. */
export async function sleep(page: Page) {
  const session = await page.context().newCDPSession(page);
  const asleep = new Promise((resolve) => session.once("Debugger.paused", resolve));
  await session.send("Debugger.enable");
  await session.send("Debugger.pause");
  await asleep;
  return {
    async wake() {
      await session.send("Debugger.resume");
      await session.detach();
    },
  };
}
