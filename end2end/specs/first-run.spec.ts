import { PASSWORD, REFUSED, expect, test } from "../fixtures.ts";
import { Door } from "../pages/door.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { NowPage } from "../pages/now.ts";

test.describe("a new server", () => {
  test("the code from the terminal makes the first admin, who is then signed in", async ({ server, page }) => {
    await page.goto("/");
    await expect(page).toHaveURL("/set-up");
    await expect(page).toHaveTitle("Set up · Runcast");

    await new Door(page).setUp(server.code!, "root", PASSWORD);

    const executions = new NowPage(page);
    await expect(page).toHaveURL("/");
    await expect(executions.heading).toHaveText("Now");
    await expect(executions.banner).toContainText("root");
    await expect(page.getByRole("heading", { name: "Nothing has run yet" })).toBeVisible();
    await executions.isLive();
    // Only an admin may ask for somebody's.
    const all = new ExecutionsPage(page);
    await all.open();
    await expect(all.filters.getByRole("textbox", { name: "Owner" })).toBeVisible();
  });

  test("a wrong code is said to be wrong, and makes nobody", async ({ server, page }) => {
    await page.goto("/set-up");
    const door = new Door(page);

    await door.setUp("0000-0000-0000", "root", PASSWORD);

    await expect(door.wrong).toHaveText("That is not the setup code of this server, or it has been used.");
    expect(JSON.parse(await server.command(["user", "list", "--json", "--data", server.data]))).toEqual([]);
  });

  test("once somebody can sign in, the set-up page leads away", async ({ server, stranger, visitor }) => {
    await server.addUser("root", "admin");
    const somebody = await stranger();
    await somebody.goto("/set-up");
    await expect(somebody).toHaveURL("/sign-in");

    const alice = await visitor("alice");
    await alice.goto("/set-up");
    await expect(alice).toHaveURL("/");
  });

  test("set-up works without JavaScript", async ({ server, stranger }) => {
    const page = await stranger({ javaScriptEnabled: false });
    await page.goto("/");
    await new Door(page).setUp(server.code!, "root", PASSWORD);
    await expect(page).toHaveURL("/");
    await expect(page.getByRole("banner")).toContainText("root");
  });
});

test.describe("signing in", () => {
  test.beforeEach(async ({ server }) => await server.addUser("alice"));

  test("who mistypes the password need not type the name again", async ({ page }) => {
    await page.goto("/sign-in");
    const name = page.getByRole("textbox", { name: "Name" });
    await expect(page.getByRole("button", { name: "Show" })).toBeVisible();
    await new Door(page).signIn("alice", "not the password");
    await expect(page).toHaveURL(/error=wrong/);
    await expect(name).toHaveValue("alice");
    await expect(page.getByLabel("Password")).toBeFocused();
    // It is in no address, and gone once it was used.
    expect(page.url()).not.toContain("alice");
    await page.goto("/sign-in");
    await expect(page.getByRole("button", { name: "Show" })).toBeVisible();
    await expect(name).toHaveValue("");
  });

  test("the right password leads to the page that was asked for", async ({ page }) => {
    await page.goto("/workflows/quick");
    await expect(page).toHaveURL("/sign-in?next=/workflows/quick");
    await new Door(page).signIn("alice", PASSWORD);
    await expect(page).toHaveURL("/workflows/quick");
    await expect(page.getByRole("heading", { level: 1, name: "quick" })).toBeVisible();
  });

  test("a link to a line leads to that line, whoever has to sign in first and however often", async ({ server, page }) => {
    const id = await server.run("alice", "quick");
    await server.reaches("alice", id, "execution.completed");
    await page.goto(`/executions/${id}#L1`);
    await expect(page).toHaveURL(`/sign-in?next=/executions/${id}#L1`);
    const door = new Door(page);
    await expect(page.locator('input[name="next"]')).toHaveValue(`/executions/${id}#L1`);
    await door.signIn("alice", "not the password");
    await expect(door.wrong).toBeVisible();
    await door.signIn("alice", PASSWORD);
    await expect(page).toHaveURL(`/executions/${id}#L1`);
    await expect(page.locator("#L1")).toHaveAttribute("data-chosen", "true");
  });

  test("a wrong password is said to be wrong, and the page can be used again", async ({ page }) => {
    await page.goto("/sign-in");
    const door = new Door(page);
    await door.signIn("alice", "not the password");
    await expect(door.wrong).toHaveText("Name or password is wrong.");
    await door.signIn("alice", PASSWORD);
    await expect(page).toHaveURL("/");
  });

  test("an unknown name gets the same answer as a wrong password", async ({ page }) => {
    await page.goto("/sign-in");
    const door = new Door(page);
    await door.signIn("mallory", PASSWORD);
    await expect(door.wrong).toHaveText("Name or password is wrong.");
  });

  test("signing in, reading and signing out work without JavaScript", async ({ stranger }) => {
    const page = await stranger({ javaScriptEnabled: false });
    await page.goto("/");
    const door = new Door(page);
    await door.signIn("alice", "not the password");
    await expect(door.wrong).toHaveText("Name or password is wrong.");
    await door.signIn("alice", PASSWORD);
    await expect(page.getByRole("heading", { name: "Nothing has run yet" })).toBeVisible();
    await page.getByRole("banner").getByRole("link", { name: "Workflows" }).click();
    await expect(page.getByRole("link", { name: "assemble", exact: true })).toBeVisible();
    await door.signOut();
    await expect(page).toHaveURL("/sign-in");
  });

  test("who has signed out sees nothing more, not even by the back button", async ({ visitor, troubles }) => {
    // A page that the browser kept asks who is there.
    troubles.meant(REFUSED(401));
    const page = await visitor("bob");
    await new NowPage(page).open();
    await new Door(page).signOut();
    await expect(page).toHaveURL("/sign-in");
    await page.goBack();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    await expect(page).toHaveURL(/\/sign-in/);
  });

  test("the page asked for is never another site's", async ({ server, stranger }) => {
    for (const elsewhere of ["https://example.org/", "//example.org", "/\\example.org"]) {
      const page = await stranger();
      await page.goto(`/sign-in?next=${encodeURIComponent(elsewhere)}`);
      await new Door(page).signIn("alice", PASSWORD);
      await expect(page).toHaveURL(`${server.url}/`);
    }
  });
});
