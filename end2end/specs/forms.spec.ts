import { REFUSED, expect, test } from "../fixtures.ts";
import { ExecutionPage } from "../pages/execution.ts";
import { NowPage } from "../pages/now.ts";
import { WorkflowPage, WorkflowsPage } from "../pages/workflow.ts";

test("a parameter that is missing or of the wrong type says so at its field, and nothing is started", async ({ visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("assemble");
  const [part, count] = [workflow.field("part"), workflow.field("count")];
  await expect(part).toHaveAccessibleName(/What is made, required/);
  await count.fill("many");
  await workflow.run.click();

  await expect(part).toBeFocused();
  await expect(count).toHaveAttribute("aria-invalid", "true");
  await expect(count).toHaveAccessibleDescription(/whole number/);
  await expect(part).toHaveAttribute("aria-invalid", "true");
  await expect(part).toHaveAccessibleDescription(/required/);
  await expect(page).toHaveURL("/workflows/assemble");

  // What was typed stays, and can be put right.
  await expect(count).toHaveValue("many");
  await count.fill("2");
  await part.fill("cog");
  await workflow.run.click();
  const execution = new ExecutionPage(page);
  await expect(execution.fact("count")).toHaveText("2");
  await new NowPage(page).open();
  await expect(new NowPage(page).running).toHaveCount(1);
});

test("each kind of parameter has its field, and what is chosen reaches the steps", async ({ server, visitor, troubles }) => {
  // Until the file is picked up, the page is not there.
  troubles.meant(REFUSED(404));
  server.write("kinds", `
params:
  - { name: text, default: as it is }
  - { name: number, type: number, default: 1.5 }
  - { name: flag, type: boolean, default: true }
  - { name: colour, choices: [red, green, blue], default: green }
  - { name: size, type: integer, choices: [1, 2, 3, 4, 5, 6], default: 4 }
steps:
  - id: tell
    run: echo "$TEXT $NUMBER $FLAG $COLOUR $SIZE"
`);
  const page = await visitor("alice");
  await expect(async () => expect((await page.goto("/workflows/kinds"))?.status()).toBe(200)).toPass();
  const workflow = new WorkflowPage(page);
  await expect(workflow.field("text")).toHaveValue("as it is");
  await workflow.form.getByRole("switch", { name: "flag" }).uncheck();
  await workflow.form.getByRole("group", { name: "colour" }).getByRole("radio", { name: "blue" }).check();
  await workflow.form.getByRole("combobox", { name: "size" }).selectOption("6");
  await workflow.run.click();
  const execution = new ExecutionPage(page);
  await expect(execution.lines).toHaveText(["as it is 1.5 false blue 6"]);
});

test("markup and quotes in a parameter are only text, on the page and in the shell", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("assemble");
  const nasty = `"; touch ${server.folder}/owned; $(id) <script>alert(1)</script>`;
  await workflow.field("part").fill(nasty);
  await workflow.run.click();
  const execution = new ExecutionPage(page);
  await expect(execution.fact("part")).toHaveText(nasty);
  await expect(execution.lines).toHaveText([`fetching 3 of ${nasty}`]);
});

test("a broken workflow file shows its error on the Workflows page, and comes good when it is mended", async ({ server, visitor }) => {
  const page = await visitor("root", { role: "admin" });
  const workflows = new WorkflowsPage(page);
  await workflows.open();
  const row = workflows.row("quick");
  await expect(row.getByRole("link", { name: "Run quick" })).toBeVisible();

  // Nothing is loaded again: the page is told.
  server.write("quick", "steps:\n  - id: say\n    rum: echo word\n");
  await expect(row).toContainText(/rum: is no key .*did you mean "run"\?.*quick\.yaml:3:5.*The last good version runs/);
  await expect(row).not.toContainText("Say one word");
  await expect(page.getByRole("main")).toContainText("one with an error");
  // Its last good version can still be run.
  await server.reaches("root", await server.run("root", "quick"), "execution.completed");
  const other = await page.context().newPage();
  await other.goto("/workflows/quick");
  const broken = other.getByRole("note");
  await expect(broken).toContainText("The file is broken.");
  await expect(broken).toContainText("The last good version runs");
  await expect(other.locator("#L3")).toHaveAttribute("data-level", "error");
  await expect(other.locator("#L3")).toContainText("did you mean");

  server.write("quick", "description: Mended\nsteps:\n  - id: say\n    run: echo mended\n");
  await expect(row).toContainText("Mended");
  await expect(row).not.toContainText("rum");
  await expect(broken).toBeHidden();
  await new WorkflowPage(other).run.click();
  await expect(new ExecutionPage(other).lines).toHaveText(["mended"]);
});

test("a file that was never good can't be run, and says why to an admin only", async ({ server, visitor }) => {
  server.write("hopeless", "steps: nothing\n");
  const root = new WorkflowsPage(await visitor("root", { role: "admin" }));
  await expect(async () => {
    await root.open();
    await expect(root.row("hopeless")).toContainText("hopeless.yaml:1:8", { timeout: 100 });
  }).toPass();
  await expect(root.row("hopeless").getByRole("link", { name: "Run hopeless" })).toBeHidden();
  const alice = new WorkflowsPage(await visitor("alice"));
  await alice.open();
  await expect(alice.row("quick")).toBeVisible();
  await expect(alice.row("hopeless")).toBeHidden();
});

test("the Workflows page shows how each went last, and it changes by itself", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const workflows = new WorkflowsPage(page);
  await workflows.open();
  const row = workflows.row("waits");
  await expect(row).toContainText("Wait at a gate");
  const id = await server.run("alice", "waits");
  await expect(row.getByRole("link", { name: "Running" })).toHaveAttribute("href", `/executions/${id}`);
  server.open("go");
  await expect(row.getByRole("link", { name: "Succeeded" })).toBeVisible();
});

test("a workflow's page shows its runs as they happen", async ({ server, visitor }) => {
  const page = await visitor("alice");
  const workflow = new WorkflowPage(page);
  await workflow.open("waits");
  await expect(page.getByRole("list", { name: "Steps" }).getByRole("listitem")).toHaveText(["Wait to be let go"]);
  await server.run("alice", "quick");
  await server.run("alice", "waits");
  await expect(page.getByRole("list", { name: "Running" }).getByRole("listitem")).toHaveCount(1);
  server.open("go");
  await expect(workflow.chart.getByRole("link")).toHaveCount(1);
  await expect(workflow.chart.getByRole("link", { name: /^Succeeded in .*, by alice$/ })).toBeVisible();
  await expect(workflow.number("good, of the last 1")).toHaveText("100%");
});
