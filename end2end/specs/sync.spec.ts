import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";

const light = (page: ExecutionPage) => page.page.locator(".live-light");

test("a page that has folded a run says that it is in sync with the server", async ({ server, visitor }) => {
  const page = new ExecutionPage(await visitor("alice"));
  const id = await server.run("alice", "assemble", { part: "cog" });
  await page.open(id);
  server.open("found", "fetched", "built");
  await expect(page.status).toHaveText("Succeeded");
  const { seq } = await server.snapshot("alice", id);
  await expect(light(page)).toHaveAttribute("title", `In sync with the server at event ${seq}`);
});

test("a page that has folded something else fetches it anew by itself, and the server counts it", async ({ server, visitor }) => {
  const [visit, admin] = [await visitor("alice"), await visitor("root", { role: "admin" })];
  const page = new ExecutionPage(visit);
  const id = await server.run("alice", "assemble", { part: "cog" });
  // The page's stream is one where the end of the second step is missing.
  let answered = false;
  await visit.route(`**/api/executions/${id}/events?*`, async (route) => {
    if (answered) return await route.abort();
    answered = true;
    server.open("found", "fetched", "built");
    const whole = await (await visit.request.get(`/api/executions/${id}/events`)).text();
    const frames = whole.split("\n\n").filter((frame) => !/"kind":"step.completed","step":"build"/.test(frame));
    await route.fulfill({ contentType: "text/event-stream", body: frames.join("\n\n") });
  });
  await page.open(id);
  await expect(page.status).toHaveText("Succeeded");
  await expect(light(page)).toHaveAttribute("title", /once it was not, and was fetched anew$/);
  await expect(page.steps.nth(1)).toHaveAttribute("data-status", "succeeded");
  const metrics = await (await admin.request.get("/metrics")).text();
  expect(metrics).toContain("runcast_out_of_sync_total 1\n");
});

test("others can compute the hash from what is written about it", async ({ server, visitor }) => {
  const page = await visitor("alice");
  server.open("found", "fetched", "built", "broken");
  const snapshots: { hash: string; status: string }[] = [];
  for (const [flow, params] of Object.entries({ assemble: { part: "cög" }, breaks: {}, quick: {} })) {
    const id = await server.run("alice", flow, params);
    // Its own stream ends with it.
    await page.request.get(`/api/executions/${id}/events`);
    snapshots.push(await server.snapshot("alice", id));
  }
  const running = await server.run("alice", "waits");
  await server.reaches("alice", running, "step.progress");
  snapshots.push(await server.snapshot("alice", running));
  expect(snapshots.map(({ status }) => status)).toEqual(["succeeded", "failed", "succeeded", "running"]);
  const clients = join(import.meta.dirname, "../clients");
  const input = snapshots.map((snapshot) => JSON.stringify(snapshot)).join("\n");
  const python = spawnSync("python3", [join(clients, "state_hash.py")], { input, encoding: "utf8" });
  expect(python.stdout.trim().split("\n")).toEqual(snapshots.map(({ hash }) => hash));
});
