import { readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { CheckPage, WorkflowPage, WorkflowsPage } from "../pages/workflow.ts";

const TURNS = `
description: End as it is told
params: [{ name: code, type: integer, default: 0 }]
steps:
  - { id: end, run: exit $CODE }
`;

test("a field says what is wrong when it is left, and no longer once it is typed into", async ({ visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("assemble");
  const count = workflow.field("count");
  await count.fill("1 4");
  await count.press("Tab");
  await expect(count).toHaveAttribute("aria-invalid", "true");
  await expect(count).toHaveAccessibleDescription('must be a whole number of 64 bits, but is "1 4"');
  await count.press("4");
  await expect(count).toHaveAttribute("aria-invalid", "false");
});

test("what only the server knows is said at the field as well", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(422));
  troubles.meant(/net::ERR_FAILED/);
  server.write("strict", "params: [{ name: colour, default: red }]\nsteps:\n  - { id: say, run: echo $COLOUR }\n");
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  troubles.meant(REFUSED(404));
  await expect(async () => expect((await page.goto("/workflows/strict"))?.status()).toBe(200)).toPass();
  await workflow.isLive();
  // From here on the page does not get to know what the file has become.
  await page.route(/\/fn\/workflow/, (route) => route.abort());
  server.write("strict", "params: [{ name: colour, type: integer }]\nsteps:\n  - { id: say, run: echo $COLOUR }\n");
  const known = async () => (await (await page.context().request.get("/api/workflows/strict")).json()).params[0].type;
  await expect.poll(known).toBe("integer");
  await workflow.run.click();
  const colour = workflow.field("colour");
  await expect(colour).toHaveAccessibleDescription('must be a whole number of 64 bits, but is "red"');
  await expect(colour).toBeFocused();
});

test("a workflow's history and numbers follow its runs, and the chart is walked by keyboard", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(404));
  server.write("turns", TURNS);
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await expect(async () => expect((await page.goto("/workflows/turns"))?.status()).toBe(200)).toPass();
  await workflow.isLive();
  await expect(page.getByText("no run has ended yet")).toBeVisible();
  const ids: string[] = [];
  for (const [code, kind] of [[0, "execution.completed"], [3, "execution.failed"], [0, "execution.completed"]] as const) {
    ids.push(await server.run("alice", "turns", { code }));
    await server.reaches("alice", ids.at(-1)!, kind);
  }
  const bars = workflow.chart.getByRole("link");
  await expect(bars).toHaveCount(3);
  await expect(workflow.number("good, of the last 3")).toHaveText("66%");
  await expect(bars.nth(1)).toHaveAccessibleName(/^Failed in .*, by alice$/);

  // One stop of the Tab key; arrows go on.
  await bars.last().focus();
  await page.keyboard.press("ArrowLeft");
  await expect(bars.nth(1)).toBeFocused();
  await expect(workflow.chart.getByText(/^Failed in/)).toBeVisible();
  await expect(bars.nth(1)).toHaveAttribute("tabindex", "0");
  await expect(bars.last()).toHaveAttribute("tabindex", "-1");
  await page.keyboard.press("Home");
  await expect(bars.first()).toBeFocused();
  await page.keyboard.press("End");
  await expect(bars.last()).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`/executions/${ids[1]}`);
});

test("pressing Run is said to wait for the run that is at work", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("single");
  const plan = workflow.form.getByText(/^It would/);
  await expect(plan).toContainText("begin. How long it takes is not known: none has succeeded yet.");
  await expect(plan).toContainText("Runs of others, which you can’t see, may come first.");
  await server.run("alice", "single");
  await expect(plan).toContainText("It would wait for alice’s run");
  server.open("go");
  await expect(plan).toContainText(/It would take about [\d.]+ m?s and end near \d\d:\d\d\./);
});

test("the list is searched, and Enter opens the first that is found", async ({ visitor }) => {
  const page = await visitor("alice");
  const workflows = new WorkflowsPage(page);
  await workflows.open();
  await page.getByRole("searchbox", { name: "Name or description" }).fill("be DONE");
  await expect(workflows.row("quick")).toBeVisible();
  await expect(workflows.row("waits")).toBeHidden();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/workflows/quick");
});

test("a file is checked as it is written: the error at its line, then the plan", async ({ visitor }) => {
  const page = await visitor("alice");
  await page.goto("/workflows/assemble");
  await page.getByRole("link", { name: "Edit a copy" }).click();
  const check = new CheckPage(page);
  await expect(check.verdict).toHaveText("The file is good.");
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));

  await check.text.fill("timezone: Europe/Berlin\nsteps:\n  - id: a\n    rum: echo a\n  - id: b\n    needs: [aa]\n    run: echo b\n");
  await expect(check.verdict).toHaveText("3 errors");
  await expect(check.errors).toHaveText([/^3:5steps\[0\]\.run: is missing$/, /^4:5steps\[0\]\.rum: .*did you mean "run"\?/, /^6:13steps\[1\]\.needs: "aa"/]);
  await expect(page.locator(".yaml-editor li[data-level=error] > i")).toHaveText(["3", "4", "6"]);

  await check.errors.filter({ hasText: '"aa" is not a step' }).getByRole("button").click();
  await expect(check.text).toBeFocused();
  const caret = await check.text.evaluate((area: HTMLTextAreaElement) => area.value.slice(0, area.selectionStart).split("\n").length);
  expect(caret).toBe(6);

  await check.text.fill("timezone: Europe/Berlin\nschedule: 30 9 * * MON-FRI\nsteps:\n  - id: a\n    run: echo a\n  - id: b\n    needs: [a]\n    run: echo b\n");
  await expect(check.verdict).toHaveText("The file is good.");
  await expect(page.getByText("Monday to Friday at 09:30 Europe/Berlin")).toBeVisible();
  await expect(page.getByRole("region", { name: "What it comes to" })).toContainText("after a");
  await check.text.fill("timezone: Europe/Bärlin\nsteps:\n  - { id: a, run: echo }\n");
  await expect(check.errors).toHaveText([/^1:11timezone: "Europe\/Bärlin" is no time zone/]);
  expect(requests.filter((url) => !url.includes("/api/events") && !url.includes("/api/me"))).toEqual([]);
});

test("Tab indents while one writes, and never holds a keyboard", async ({ visitor }) => {
  const page = await visitor("alice");
  const check = new CheckPage(page);
  await check.open();
  await check.text.focus();
  await page.keyboard.press("Tab");
  await expect(check.text).not.toBeFocused();
  await check.text.focus();
  await page.keyboard.type("steps:");
  await page.keyboard.press("Enter");
  await page.keyboard.type("- id: a");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.type("run: echo a");
  await expect(check.text).toHaveValue("steps:\n  - id: a\n    run: echo a");
  await expect(check.verdict).toHaveText("The file is good.");
  await page.keyboard.press("Control+z");
  await expect(check.text).not.toHaveValue("steps:\n  - id: a\n    run: echo a");
  await page.keyboard.press("Control+Shift+z");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  await expect(check.text).not.toBeFocused();
});

test("a file is opened, checked, and taken away again", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const check = new CheckPage(page);
  await check.open();
  const buffer = Buffer.from("steps:\n  - { id: ä, run: echo }\n");
  await page.locator("input[type=file]").setInputFiles({ name: "mine.yaml", mimeType: "application/yaml", buffer });
  await expect(check.errors).toHaveText([/^2:11steps\[0\]\.id: "ä" is no step id/]);
  await check.text.fill("steps:\n  - { id: a, run: 'echo €' }\n");
  await expect(check.verdict).toHaveText("The file is good.");
  const loading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const download = await loading;
  expect(download.suggestedFilename()).toBe("mine.yaml");
  const text = readFileSync(await download.path(), "utf8");
  expect(text).toBe("steps:\n  - { id: a, run: 'echo €' }\n");
  // As the page says, so it is: put in place it runs.
  server.write("mine", text);
  const workflows = new WorkflowsPage(page);
  await workflows.open();
  await workflows.row("mine").getByRole("link", { name: "Run mine" }).click();
  await new WorkflowPage(page).run.click();
  await expect(new ExecutionPage(page).lines).toHaveText(["echo €".slice(5)]);
});

for (const width of [1440, 390]) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing on the pages of workflows at ${width}, ${colorScheme}`, async ({ server, visitor }) => {
      server.write("turns", TURNS);
      server.write("wrong", "steps:\n  - { id: a, rum: b }\n");
      const page = await visitor("root", { role: "admin", colorScheme, viewport: { width, height: 900 } });
      const workflows = new WorkflowsPage(page);
      await workflows.open();
      await expect(workflows.row("turns")).toBeVisible();
      for (const code of [0, 3]) {
        await server.reaches("root", await server.run("root", "turns", { code }), code ? "execution.failed" : "execution.completed");
      }
      await expect(workflows.row("turns").getByRole("link", { name: "Failed" })).toBeVisible();
      const clean = async () => expect((await new AxeBuilder({ page }).setLegacyMode().analyze()).violations).toEqual([]);
      await clean();
      const workflow = new WorkflowPage(page);
      for (const name of ["turns", "wrong", "assemble"]) {
        await workflow.open(name);
        await clean();
      }
      await workflow.field("count").fill("x");
      await workflow.run.click();
      await clean();
      const check = new CheckPage(page);
      await check.open("assemble");
      await expect(check.verdict).toHaveText("The file is good.");
      await clean();
      await check.text.fill("steps: 3");
      await expect(check.verdict).toHaveText("One error");
      await clean();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wide, "nothing is wider than the page").toBeLessThanOrEqual(0);
    });
  }
}
