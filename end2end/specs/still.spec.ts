import { expect, test } from "../fixtures.ts";
import { NowPage } from "../pages/now.ts";

/** What moves as time goes on: the ruler with what lies on it, and the light with the number of the last event. */
const MOVING = ".time-scrubber, .step-timeline, .live-light";

for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
  test(`nothing moves when a page comes alive, ${viewport.width} pixels`, async ({ server, visitor }) => {
    const page = await visitor("alice", { viewport, timezoneId: "Asia/Kolkata" });
    await page.addInitScript((moving) => {
      const moved: string[] = ((window as unknown as { moved: string[] }).moved = []);
      new PerformanceObserver((list) => {
        // While the page is still being read the browser may draw the half of it: that is not ours.
        const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
        const read = navigation?.domContentLoadedEventStart || Number.POSITIVE_INFINITY;
        for (const entry of list.getEntries()) {
          const { startTime, sources } = entry as unknown as { startTime: number; sources: { node?: Node; previousRect: DOMRect; currentRect: DOMRect }[] };
          for (const { node, previousRect: was, currentRect: is } of startTime > read ? sources : []) {
            const element = node instanceof Element ? node : node?.parentElement;
            if (element && !element.closest(moving)) moved.push(`${element.outerHTML.slice(0, 200)} from ${was.x}, ${was.y} to ${is.x}, ${is.y}`);
          }
        }
      }).observe({ type: "layout-shift", buffered: true });
    }, MOVING);
    server.open("broken");
    const failed = await server.run("alice", "breaks");
    await server.reaches("alice", failed, "execution.failed");
    await server.reaches("alice", await server.run("alice", "quick"), "execution.completed");
    const running = await server.run("alice", "waits");
    await expect.poll(async () => (await server.snapshot("alice", running)).percent).toBe(40);
    const now = new NowPage(page);
    for (const path of ["/", "/executions", `/executions/${failed}`, `/executions/${running}`, `/executions/${running}?view=graph`, "/workflows", "/workflows/breaks"]) {
      // Twice: a page that is drawn while it is being read, by a machine that is busy, may move once.
      await expect(async () => {
        await page.goto(path);
        await now.isLive();
        await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
        expect(await page.evaluate(() => (window as unknown as { moved: string[] }).moved), path).toEqual([]);
      }).toPass({ timeout: 15_000 });
    }
  });
}

test("the output is there before the page's code is", async ({ server, visitor }) => {
  const page = await visitor("alice", { javaScriptEnabled: false });
  const id = await server.run("alice", "quick");
  await server.reaches("alice", id, "execution.completed");
  await page.goto(`/executions/${id}`);
  const log = (await page.getByRole("log").boundingBox())!;
  const line = (await page.getByRole("log").getByText("word", { exact: true }).boundingBox())!;
  expect(line.y).toBeGreaterThanOrEqual(log.y);
  expect(line.y + line.height).toBeLessThanOrEqual(log.y + log.height);
});
