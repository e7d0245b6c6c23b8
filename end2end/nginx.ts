import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Debian puts it where only root's PATH leads. */
const NGINX = process.env.NGINX ?? "/usr/sbin/nginx";

/** A real nginx before a server, with its default settings but for what a test adds to its `location`. */
export class Nginx {
  url = "";
  #folder = mkdtempSync(join(tmpdir(), "runcast-nginx-"));
  #process?: ChildProcess;

  constructor(readonly to: string, readonly settings: string[] = []) {
    // Its workers are another user's processes.
    chmodSync(this.#folder, 0o755);
  }

  /** Returns once it answers. */
  async start() {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const config = this.#file("nginx.conf");
    writeFileSync(config, this.#config(port));
    const args = ["-p", this.#folder, "-c", config, "-e", this.#file("error.log"), "-g", "daemon off;"];
    const child = spawn(NGINX, args, { stdio: "inherit" });
    this.#process = child;
    const abandon = () => child.kill("SIGTERM");
    process.once("exit", abandon);
    child.once("exit", () => process.off("exit", abandon));
    child.once("error", () => {});
    const answers = () => fetch(`${this.url}/healthz`).then(({ ok }) => ok, () => false);
    while (!(await answers())) {
      if (!child.pid || child.exitCode !== null) throw new Error(`nginx does not start: ${this.errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What it had to complain about. */
  get errors() {
    const log = this.#file("error.log");
    return existsSync(log) ? readFileSync(log, "utf8") : "it is missing: tools/install --with-browser";
  }

  async remove() {
    const child = this.#process;
    if (child?.pid && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string) {
    return join(this.#folder, name);
  }

  #config(port: number) {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${this.#file(name)};`);
    return `
pid ${this.#file("pid")};
error_log ${this.#file("error.log")};
events {}
http {
  access_log off;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${this.to};
      proxy_set_header Host $http_host;
      ${this.settings.join("\n      ")}
    }
  }
}
`;
  }
}

/** A port that nobody has, as nginx cannot choose one. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
