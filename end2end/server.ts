import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { flows } from "./flows.ts";

/** Every user's password. */
export const PASSWORD = "correct horse battery";

const { RUNCAST_BIN = "", PATH, HOME, LANG, TZ } = process.env;
const { LEPTOS_OUTPUT_NAME, LEPTOS_SITE_ROOT, LEPTOS_SITE_PKG_DIR } = process.env;
const environment = { RUNCAST_LOG: "error", PATH, HOME, LANG, TZ, LEPTOS_OUTPUT_NAME, LEPTOS_SITE_ROOT, LEPTOS_SITE_PKG_DIR };

/** The real binary at work on an empty folder. It can be stopped, killed and started again where it was. */
export class Server {
  /** Holds all that belongs to it. */
  readonly folder = mkdtempSync(join(tmpdir(), "runcast-e2e-"));
  /** Where it is; empty before the first start. */
  url = "";
  /** The setup code that it printed, if it did. */
  code?: string;
  #process?: ChildProcess;
  #options: string[];
  #tokens = new Map<string, string>();

  constructor(options: string[] = []) {
    this.#options = options;
    for (const folder of [this.#workflows, this.gates]) mkdirSync(folder);
    for (const [name, text] of Object.entries(flows(this.gates))) this.write(name, text);
  }

  get data() {
    return join(this.folder, "data");
  }

  get gates() {
    return join(this.folder, "gates");
  }

  get #workflows() {
    return join(this.folder, "workflows");
  }

  /** Starts it: the first time on a free port, after that on the same one. Returns once it answers. */
  async start() {
    const listen = this.url ? new URL(this.url).host : "127.0.0.1:0";
    const args = ["serve", "--data", this.data, "--workflows", this.#workflows, "--listen", listen, ...this.#options];
    const child = spawn(RUNCAST_BIN, args, { cwd: this.folder, env: environment, stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    // A worker that is stopped in the middle of a test leaves no server behind.
    const abandon = () => child.kill("SIGKILL");
    process.once("exit", abandon);
    child.once("exit", () => process.off("exit", abandon));
    for await (const line of createInterface({ input: child.stdout! })) {
      this.url ||= /^Runcast is at (http\S+)$/.exec(line)?.[1] ?? "";
      this.code ??= /give this code, once: (\S+)$/.exec(line)?.[1];
      // The code comes with the second line, and there is none once somebody can sign in.
      if (line.startsWith("Runcast is at") && (await this.#hasUsers())) break;
      if (this.code) break;
    }
    child.stdout!.resume();
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
  }

  /** Ends it as the system would (SIGTERM), or without a warning (SIGKILL). */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM") {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGTERM") {
    await this.stop(signal);
    await this.start();
  }

  /** Ends it, and removes all that it had. Steps that wait at a gate see it vanish, and end. */
  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** Runs a command of the binary, and returns what it prints. */
  async command(args: string[], input = "") {
    return await new Promise<string>((resolve, reject) => {
      const child = execFile(RUNCAST_BIN, args, { cwd: this.folder, env: environment }, (error, stdout, stderr) =>
        error ? reject(new Error(`runcast ${args.join(" ")}: ${stderr}`)) : resolve(stdout.trim()),
      );
      // A command that reads nothing may have ended before it is given anything.
      child.stdin!.on("error", () => {});
      child.stdin!.end(input);
    });
  }

  async addUser(name: string, role: "user" | "admin" = "user") {
    const admin = role === "admin" ? ["--admin"] : [];
    await this.command(["user", "add", name, ...admin, "--password-stdin", "--data", this.data], PASSWORD);
  }

  async removeUser(name: string) {
    await this.command(["user", "remove", name, "--data", this.data]);
  }

  /** Writes a workflow's file. */
  write(name: string, text: string) {
    writeFileSync(join(this.#workflows, `${name}.yaml`), text);
  }

  /** Removes a workflow's file. */
  erase(name: string) {
    rmSync(join(this.#workflows, `${name}.yaml`));
  }

  /** Lets the steps that wait at a gate go on, now and later. */
  open(...gates: string[]) {
    for (const gate of gates) writeFileSync(join(this.gates, gate), "");
  }

  /** Starts a workflow as a program does, and returns the execution's id. */
  async run(user: string, workflow: string, params: Record<string, unknown> = {}) {
    const answer = await this.#fetch(user, "/api/executions", { workflow, params });
    return (answer as { id: string }).id;
  }

  /** An execution as the API has it. */
  async snapshot(user: string, id: string) {
    return (await this.#fetch(user, `/api/executions/${id}`)) as { status: string; percent: number };
  }

  /** Waits until an execution has this status, by its stream. */
  async reaches(user: string, id: string, kind: string) {
    const headers = { authorization: `Bearer ${await this.token(user)}` };
    const stream = await fetch(`${this.url}/api/executions/${id}/events`, { headers });
    const lines = createInterface({ input: Readable.fromWeb(stream.body!) });
    for await (const line of lines) {
      if (line.startsWith("data:") && JSON.parse(line.slice(5)).kind === kind) return;
    }
    throw new Error(`the stream of ${id} ended before ${kind}`);
  }

  /** A user's token: what programs sign in with. */
  async token(user: string) {
    const known = this.#tokens.get(user);
    if (known) return known;
    const token = await this.command(["token", "create", "--user", user, "--data", this.data]);
    this.#tokens.set(user, token);
    return token;
  }

  async #fetch(user: string, path: string, body?: unknown) {
    const headers = { authorization: `Bearer ${await this.token(user)}`, "content-type": "application/json" };
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(this.url + path, { headers, ...post });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }

  async #hasUsers() {
    return JSON.parse(await this.command(["user", "list", "--json", "--data", this.data])).length > 0;
  }
}
