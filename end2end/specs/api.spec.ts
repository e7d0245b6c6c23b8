import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "../fixtures.ts";
import type { Server } from "../server.ts";

const clients = resolve(import.meta.dirname, "../clients");
const bin = join(clients, ".venv/bin");

/** How long one run may take, in milliseconds: it is cut off then, and has failed. It takes some ten seconds where nothing else runs. */
const LONGEST = 150_000;

/** Runs one of the Python programs; what it said, and how it ended. */
async function python(program: string, args: string[], server: Server, env: Record<string, string> = {}) {
  return await new Promise<{ code: number | string; said: string }>((settle) => {
    const options = { cwd: server.folder, env: { PATH: process.env.PATH, HOME: server.folder, ...env }, timeout: LONGEST, maxBuffer: 1 << 26 };
    execFile(join(bin, program), args, options, (error, out, err) => settle({ code: error ? (error.code ?? error.signal ?? "?") : 0, said: out + err }));
  });
}

/** What the requests can be about. */
async function furnish(server: Server) {
  for (const name of ["carl", "bob"]) await server.addUser(name);
  for (const name of ["root", "second"]) await server.addUser(name, "admin");
  await server.command(["group", "add", "ops", "--member", "bob", "--data", server.data]);
  const ENDED = await server.run("carl", "quick");
  const FAILED = await server.run("carl", "breaks");
  const RUNNING = await server.run("carl", "assemble", { part: "cog" });
  server.open("broken");
  const headers = { authorization: `Bearer ${await server.token("carl")}`, "content-type": "application/json" };
  const answer = await fetch(`${server.url}/api/external`, { method: "POST", headers, body: JSON.stringify({ name: "walker" }) });
  const { id: ELSEWHERE, token: REPORT } = (await answer.json()) as { id: string; token: string };
  await server.reaches("carl", ENDED, "execution.completed");
  await server.reaches("carl", FAILED, "execution.failed");
  return { ENDED, FAILED, RUNNING, ELSEWHERE, REPORT };
}

/** Lets schemathesis try everything as somebody, or as nobody. Always the same requests, some 1,300 at most. */
async function tried(server: Server, who: string, phases: string, checks: string[]) {
  const there: Record<string, string> = { ...(await furnish(server)), HOOKS: join(clients, "schemathesis_hooks.py") };
  const auth = who && `\n[auth.openapi]\ntoken = { bearer = "${await server.token(who)}" }\nreport = { bearer = "${there.REPORT}" }\n`;
  const words = readFileSync(join(clients, "schemathesis.toml"), "utf8").replace(/\$\{(\w+)\}/g, (_, name: string) => there[name]);
  const config = join(server.folder, "schemathesis.toml");
  writeFileSync(config, words + auth);
  const args = ["--config-file", config, "run", `${server.url}/api/openapi.json`, "--no-color", "--phases", phases];
  const run = await python("st", [...args, "--checks", checks.join(",")], server, { SELF: who });
  expect(run.code, run.said).toBe(0);
  return run.said;
}

test("the API's document is OpenAPI", async ({ server }) => {
  const run = await python("python", [join(clients, "openapi_valid.py"), `${server.url}/api/openapi.json`], server);
  expect(run, run.said).toMatchObject({ code: 0 });
});

const ALWAYS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "response_headers_conformance",
  "unsupported_method",
  "allow_header_conformance",
];
const SIGNED_IN = [...ALWAYS, "ignored_auth", "negative_data_rejection"];

for (const [who, phases, checks] of [
  ["root", "coverage,fuzzing,stateful", SIGNED_IN],
  ["carl", "coverage,stateful", SIGNED_IN],
  ["", "coverage", ALWAYS],
] as const) {
  test(`schemathesis finds nothing wrong with the API as ${who || "nobody"}`, async ({ server }) => {
    test.setTimeout(LONGEST + 30_000);
    const said = await tried(server, who, phases, [...checks]);
    // Hundreds of requests, and to its end somebody whom the server knew.
    expect(Number(/(\d+) generated/.exec(said)?.[1])).toBeGreaterThan(300);
    if (!who) return;
    const headers = { authorization: `Bearer ${await server.token(who)}` };
    expect(await (await fetch(`${server.url}/api/me`, { headers })).json()).toMatchObject({ name: who });
  });
}
