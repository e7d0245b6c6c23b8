import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Page, expect } from "@playwright/test";
import { EventSource } from "eventsource";

/** A message as a client gave it; what the client does not tell is absent. */
export interface Message {
  id?: string | null;
  event?: string | null;
  data: string;
  retry?: number | null;
}

/** A fact, or a word about the stream. */
export interface Said {
  kind: string;
  seq?: number;
  [field: string]: unknown;
}

/** Where a stream is, and who asks. */
export interface Stream {
  url: string;
  token: string;
  /** The last id that is known already: `?after=`. */
  after?: number;
}

const address = ({ url, after }: Stream) => (after === undefined ? url : `${url}?after=${after}`);

/** Waits for what is looked at often. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeout = 10_000) {
  await expect.poll(holds, { message: what, intervals: [20], timeout }).toBe(true);
}

/** A client at work: what it has heard so far. It asks again when its link breaks, and when the stream ends. */
export abstract class Listener {
  readonly messages: Message[] = [];
  /** How it was answered, each time it asked. */
  readonly statuses: number[] = [];
  /** When each of the messages came. */
  readonly times: number[] = [];
  /** What was wrong with the bytes, from a client that looks at them. */
  protected wrong?: Error;

  hear(message: Message) {
    this.messages.push(message);
    this.times.push(Date.now());
  }

  /** The messages' data that is JSON; some clients also give a `retry:` as a message, without data. */
  get said() {
    return this.messages.flatMap(({ data }) => (data ? [JSON.parse(data) as Said] : []));
  }

  get facts() {
    return this.said.filter(({ seq }) => seq !== undefined);
  }

  /** The last id that it knows. */
  get last() {
    return this.facts.at(-1)?.seq;
  }

  /** The lines that the steps, or one of them, have printed. */
  texts(step?: string) {
    const outputs = this.facts.filter((fact) => fact.kind === "step.output" && (!step || fact.step === step));
    return outputs.flatMap(({ lines }) => (lines as { text: string }[]).map(({ text }) => text));
  }

  count(kind: string) {
    return this.said.filter((said) => said.kind === kind).length;
  }

  async hears(text: string) {
    await this.#until(`the line ${text}`, () => this.texts().includes(text));
  }

  async ends() {
    await this.#until("the stream's end", () => this.count("end") > 0);
  }

  async #until(what: string, holds: () => boolean) {
    await until(what, () => this.wrong !== undefined || holds());
    if (this.wrong) throw this.wrong;
  }

  /** Whether it has been told that there is nothing more to be had. */
  abstract closed(): Promise<boolean>;
  abstract stop(): Promise<void>;
}

/** A program that asks until the answer is no stream. */
abstract class Program extends Listener {
  protected stopped = false;
  #process?: ChildProcess;

  async closed() {
    return this.statuses.at(-1) === 204;
  }

  protected works(child: ChildProcess) {
    this.#process = child;
    // It does not outlive a worker that is stopped in the middle of a test.
    const abandon = () => child.kill("SIGKILL");
    process.once("exit", abandon);
    child.once("exit", () => process.off("exit", abandon));
  }

  async stop() {
    this.stopped = true;
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

/** A script of `clients/`. */
export class Python extends Program {
  constructor(script: string, stream: Stream) {
    super();
    const folder = join(import.meta.dirname, "clients");
    const args = [join(folder, script), address(stream)];
    const env = { ...process.env, RUNCAST_TOKEN: stream.token, PYTHONDONTWRITEBYTECODE: "1" };
    const python = join(folder, ".venv/bin/python");
    if (!existsSync(python)) throw new Error("the Python clients are missing: tools/install --with-browser");
    const child = spawn(python, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    this.works(child);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { status, ...message } = JSON.parse(line);
      if (status) this.statuses.push(status);
      else this.hear(message);
    });
  }
}

/** curl, whose bytes are read as strictly as can be: what this server says is less than what a stream may. */
export class Curl extends Program {
  /** What curl has when it asks for the whole of a stream that is over. */
  static async whole(stream: Stream) {
    const curl = new Curl(stream);
    await curl.isDone();
    return curl;
  }

  /** With what curl ended, each time. */
  readonly codes: number[] = [];
  /** All that came, of all answers. */
  text = "";
  #last?: string;

  /** `last` is for `Last-Event-ID`. */
  constructor(readonly stream: Stream, last?: number) {
    super();
    this.#last = last?.toString();
    void this.#ask();
  }

  /** It has been told all, without an error. */
  async isDone() {
    await until("the end of what curl asks", () => this.wrong !== undefined || this.closed());
    if (this.wrong) throw this.wrong;
    expect(this.codes).toEqual([0, 0]);
    expect(this.statuses).toEqual([200, 204]);
    expect(this.text).toMatch(/^retry: \d+\n[^]*\n\n$/);
    expect(this.text.match(/^retry:/gm)).toHaveLength(1);
    for (const { id, data } of this.messages) expect(id).toBe((data ? (JSON.parse(data) as Said).seq : undefined)?.toString());
  }

  async #ask() {
    do {
      const headers = [`authorization: Bearer ${this.stream.token}`, ...(this.#last ? [`last-event-id: ${this.#last}`] : [])];
      const args = ["-sN", ...headers.flatMap((header) => ["-H", header]), "-w", "%{stderr}%{http_code}", address(this.stream)];
      const child = spawn("curl", args, { stdio: ["ignore", "pipe", "pipe"] });
      this.works(child);
      const frames = new Frames((message) => {
        this.#last = message.id ?? this.#last;
        this.hear(message);
      });
      child.stdout.on("data", (bytes: Buffer) => {
        try {
          this.text += frames.read(bytes);
        } catch (error) {
          this.wrong ??= error as Error;
          child.kill();
        }
      });
      let status = "";
      child.stderr.on("data", (bytes) => (status += bytes));
      await once(child, "close");
      this.codes.push(child.exitCode ?? -1);
      if (status !== "000") this.statuses.push(Number(status));
      await new Promise((resolve) => setTimeout(resolve, 50));
    } while (!this.stopped && !this.wrong && !(await this.closed()));
  }
}

/** Takes a stream apart: UTF-8, `\n` and nothing else ends a line, fields in full, each once in a frame. */
class Frames {
  #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #rest = "";

  constructor(readonly hear: (message: Message) => void) {}

  read(bytes: Buffer) {
    const text = this.#decoder.decode(bytes, { stream: true });
    const frames = (this.#rest + text).split("\n\n");
    this.#rest = frames.pop()!;
    for (const frame of frames) this.#frame(frame);
    return text;
  }

  #frame(frame: string) {
    const fields: Record<string, string> = {};
    for (const line of frame.split("\n")) {
      const [, name, value] = /^(id|data|retry): ([^\r]+)$/.exec(line) ?? [];
      if (!name || name in fields) throw new Error(`not a frame: ${JSON.stringify(frame)}`);
      fields[name] = value;
    }
    const { id, data = "", retry } = fields;
    for (const number of [id, retry]) if (number && !/^\d+$/.test(number)) throw new Error(`not a number: ${number}`);
    this.hear({ id, data, retry: retry ? Number(retry) : undefined });
  }
}

/** The `eventsource` of npm. */
export class Npm extends Listener {
  #source: EventSource;

  constructor(stream: Stream) {
    super();
    this.#source = new EventSource(address(stream), {
      fetch: async (url, init) => {
        const answer = await fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${stream.token}` } });
        this.statuses.push(answer.status);
        return answer;
      },
    });
    this.#source.onmessage = ({ lastEventId, type, data }) => this.hear({ id: lastEventId, event: type, data });
  }

  async closed() {
    return this.#source.readyState === EventSource.CLOSED;
  }

  async stop() {
    this.#source.close();
  }
}

/** Chromium's own, in a page of the server where somebody has signed in. */
export class Chromium extends Listener {
  #page: Page;

  private constructor(page: Page) {
    super();
    this.#page = page;
  }

  static async open(page: Page, stream: Stream) {
    const listener = new Chromium(page);
    const { pathname } = new URL(stream.url);
    // The page with a script that does nothing: its own would open streams as well.
    const body = "export default async () => {}; export const hydrate = () => {};";
    await page.route("**/pkg/*.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    await page.goto("/");
    page.on("response", (answer) => {
      if (new URL(answer.url()).pathname === pathname) listener.statuses.push(answer.status());
    });
    await page.exposeFunction("hear", (message: Message) => listener.hear(message));
    await page.evaluate((url) => {
      const { hear } = window as unknown as { hear: (message: Message) => void };
      const source = new EventSource(url);
      source.onmessage = ({ lastEventId, type, data }) => hear({ id: lastEventId, event: type, data });
      Object.assign(window, { source });
    }, address(stream));
    return listener;
  }

  async closed() {
    return await this.#page.evaluate(() => (window as unknown as { source: EventSource }).source.readyState === EventSource.CLOSED);
  }

  async stop() {
    await this.#page.evaluate(() => (window as unknown as { source: EventSource }).source.close());
  }
}
