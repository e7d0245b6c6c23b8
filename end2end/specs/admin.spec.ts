import { PASSWORD, REFUSED, UNREACHABLE, expect, test } from "../fixtures.ts";
import { Door } from "../pages/door.ts";
import { ExecutionsPage } from "../pages/executions.ts";
import { SettingsPage } from "../pages/settings.ts";

const SOON = { timeout: 4_000 };

test("a user who is added can sign in, gets another role and password, and is removed by their name", async ({ visitor, stranger, troubles }) => {
  troubles.meant(REFUSED(401));
  troubles.meant(REFUSED(422));
  troubles.meant(UNREACHABLE);
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  const { page } = settings;
  await settings.open("users");
  const form = page.getByRole("region", { name: "Add a user" });
  await form.getByLabel("Name").fill("-bad");
  await form.getByLabel("Password").fill("another password");
  await form.getByRole("button", { name: "Add" }).click();
  await expect(form.getByRole("alert").filter({ hasText: "Name:" })).toBeVisible();
  await form.getByLabel("Name").fill("grace");
  await form.getByRole("button", { name: "Add" }).click();
  await expect(settings.said).toContainText("grace can sign in now");
  await expect(settings.row("grace")).toContainText("User");

  const hers = await stranger();
  await hers.goto("/settings/users");
  await new Door(hers).signIn("grace", "another password");
  await expect(hers.getByRole("heading", { name: "This page is for admins" })).toBeVisible();
  troubles.meant(REFUSED(403));

  await settings.row("grace").getByRole("button", { name: "Make an admin" }).click();
  await expect(settings.row("grace")).toContainText("Admin");
  await hers.goto("/settings/users");
  await expect(new SettingsPage(hers).row("root")).toBeVisible();

  await settings.row("grace").getByRole("button", { name: "New password" }).click();
  await settings.dialog.getByLabel("New password").fill("a third password");
  await settings.dialog.getByRole("button", { name: "Set it" }).click();
  await expect(settings.said).toContainText("grace has a new password");
  await expect(hers).toHaveURL(/sign-in/, { timeout: 12_000 });
  await new Door(hers).signIn("grace", "a third password");
  await expect(hers.getByRole("banner")).toContainText("grace");

  await settings.row("grace").getByRole("button", { name: "Remove" }).click();
  const sure = settings.dialog.getByRole("textbox", { name: "Write grace to remove them" });
  await sure.fill("grac");
  await settings.dialog.getByRole("button", { name: "Remove for good" }).click();
  await expect(settings.dialog).toBeVisible();
  await sure.fill("grace");
  await settings.dialog.getByRole("button", { name: "Remove for good" }).click();
  await expect(settings.row("grace")).toHaveCount(0);
  await expect(settings.said).toContainText("grace has been removed");
});

test("the last admin can be neither removed nor made a user", async ({ visitor }) => {
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  await settings.open("users");
  await expect(settings.row("root").getByRole("button", { name: "Make a user" })).toBeDisabled();
  await expect(settings.row("root").getByRole("button", { name: "Remove" })).toBeDisabled();
  await expect(settings.row("root").getByRole("button", { name: "New password" })).toBeEnabled();
});

test("a group opens a workflow to its members, from the moment they are in it, and closes it again", async ({ server, visitor, troubles }) => {
  troubles.meant(REFUSED(409));
  server.write("guarded", "allow: [night-shift]\nsteps: [{ id: go, run: 'true' }]\n");
  const alice = await visitor("alice");
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  const { page } = settings;
  const offered = async () => (await alice.request.get("/api/workflows/guarded")).status();
  await settings.open("groups");
  await expect(page.getByText("There is no group yet.")).toBeVisible();
  const form = page.getByRole("region", { name: "Add a group" });
  await form.getByLabel("Name").fill("alice");
  await form.getByRole("button", { name: "Add" }).click();
  await expect(form.getByRole("alert").filter({ hasText: "there is a user alice" })).toBeVisible();
  await form.getByLabel("Name").fill("night-shift");
  await form.getByRole("button", { name: "Add" }).click();
  await expect(settings.row("night-shift")).toContainText("nobody");
  expect(await offered()).toBe(404);

  const members = settings.row("night-shift").getByRole("button", { name: "Members: night-shift" });
  await members.click();
  await settings.dialog.getByRole("checkbox", { name: "alice" }).check();
  await settings.dialog.getByRole("button", { name: "Set members" }).click();
  await expect(settings.row("night-shift")).toContainText("alice");
  expect(await offered()).toBe(200);

  await members.click();
  await expect(settings.dialog.getByRole("checkbox", { name: "alice" })).toBeChecked();
  await page.keyboard.press("Escape");
  await settings.row("night-shift").getByRole("button", { name: "Remove: night-shift" }).click();
  await settings.dialog.getByRole("button", { name: "Remove the group" }).click();
  await expect(settings.row("night-shift")).toHaveCount(0);
  expect(await offered()).toBe(404);
});

test("a session that an admin ends is out within a second", async ({ visitor, troubles }) => {
  troubles.meant(REFUSED(401));
  troubles.meant(UNREACHABLE);
  const alice = await visitor("alice");
  await new ExecutionsPage(alice).open();
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  await settings.open("sessions");
  await expect(settings.row("alice")).toContainText("127.0.0.1");
  await expect(settings.row("root")).toContainText("this one");
  await settings.row("alice").getByRole("button", { name: "End" }).click();
  await expect(alice).toHaveURL(/\/sign-in/, SOON);
  await expect(settings.row("alice")).toHaveCount(0);
});

test("a token is shown once, is good, and when revoked its stream stops", async ({ server, visitor }) => {
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  const { page } = settings;
  await server.addUser("alice");
  await settings.open("tokens");
  const form = page.getByRole("region", { name: "Make a token" });
  await form.getByLabel("For what").fill("deploys");
  await form.getByLabel("Whose").selectOption("alice");
  await form.getByRole("button", { name: "Make it" }).click();
  const token = await settings.dialog.getByRole("textbox", { name: "Token" }).inputValue();
  expect(token).toMatch(/^rc_/);
  await page.keyboard.press("Escape");
  await expect(settings.dialog).toHaveCount(0);
  expect(await page.content()).not.toContain(token);
  const stream = await fetch(`${server.url}/api/events`, { headers: { authorization: `Bearer ${token}` } });
  const words = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await words.read()).value).toContain('"user":"alice"');
  await settings.row("deploys").getByRole("button", { name: "Revoke" }).click();
  await expect(settings.said).toContainText("The token deploys is revoked");
  let said = "";
  for (let part = await words.read(); !part.done; part = await words.read()) said += part.value;
  expect(said).toContain('"reason":"revoked"');
  await expect(settings.row("deploys")).toHaveCount(0);
});

test("open streams and the server's health move by themselves", async ({ server, visitor }) => {
  const settings = new SettingsPage(await visitor("root", { role: "admin" }));
  await settings.open("streams");
  await expect(settings.row("alice")).toHaveCount(0);
  const alice = await visitor("alice");
  await new ExecutionsPage(alice).open();
  await expect(settings.row("alice")).toContainText("executions of alice", SOON);
  await alice.goto("about:blank");
  await expect(settings.row("alice")).toHaveCount(0, SOON);

  await settings.open("health");
  const running = settings.page.getByRole("region", { name: "Executions" });
  await expect(running).toContainText(/0 of \d+/);
  await server.run("alice", "waits");
  await expect(running).toContainText(/1 of \d+/, SOON);
});

test.describe("with a flag", () => {
  test.use({ flags: ["--max-executions", "3"] });

  test("each setting says its value and where it comes from", async ({ visitor }) => {
    const settings = new SettingsPage(await visitor("root", { role: "admin" }));
    await settings.open("configuration");
    await expect(settings.row("max-executions").getByRole("cell")).toHaveText(["3", "flag --max-executions"]);
    await expect(settings.row("max-user-streams").getByRole("cell")).toHaveText(["64", "default"]);
  });
});

test("one changes one's own password by the one one has, and other sessions end", async ({ visitor, stranger, troubles }) => {
  troubles.meant(REFUSED(422));
  troubles.meant(REFUSED(401));
  troubles.meant(UNREACHABLE);
  const [page, other] = [await visitor("alice"), await visitor("alice")];
  await new ExecutionsPage(other).open();
  const settings = new SettingsPage(page);
  await settings.open("profile");
  await expect(settings.page.getByRole("navigation", { name: "Settings" })).toHaveCount(0);
  const form = page.getByRole("region", { name: "Change the password" });
  await form.getByLabel("Password now").fill("not the password");
  await form.getByLabel("New password").fill("quite another one");
  await form.getByRole("button", { name: "Change it" }).click();
  await expect(form.getByText("Password now: is not your password")).toBeVisible();
  await form.getByLabel("Password now").fill(PASSWORD);
  await form.getByRole("button", { name: "Change it" }).click();
  await expect(settings.said).toContainText("Your password is changed");
  await expect(other).toHaveURL(/\/sign-in/, SOON);
  const again = await stranger();
  await again.goto("/");
  await new Door(again).signIn("alice", "quite another one");
  await expect(again).toHaveURL("/");
});

test("theme and contrast are chosen in the profile, and kept", async ({ visitor }) => {
  const settings = new SettingsPage(await visitor("alice", { colorScheme: "light" }));
  const { page } = settings;
  await settings.open("profile");
  await page.getByRole("group", { name: "Theme" }).getByLabel("Dark").check();
  await page.getByRole("group", { name: "Contrast" }).getByLabel("More").check();
  const root = page.locator("html");
  await expect(root).toHaveAttribute("data-theme", "dark");
  await expect(root).toHaveAttribute("data-contrast", "more");
  await page.reload();
  await expect(root).toHaveAttribute("data-contrast", "more");
  await settings.isReady();
  await expect(page.getByRole("group", { name: "Theme" }).getByLabel("Dark")).toBeChecked();
  await expect(page.getByRole("button", { name: "Theme: dark" })).toBeVisible();
});
