import { type BrowserContext, type BrowserContextOptions, type Page, test as base } from "@playwright/test";
import { PASSWORD, Server } from "./server.ts";

export { expect } from "@playwright/test";
export { PASSWORD } from "./server.ts";

/** What went wrong in the browser, and what a test says is meant to. */
export class Troubles {
  #seen: string[] = [];
  #meant: RegExp[] = [];

  /** Hears each error of each page of a context. */
  watch(context: BrowserContext) {
    context.on("weberror", (error) => this.#seen.push(`uncaught: ${error.error().stack ?? error.error().message}`));
    context.on("console", (message) => {
      if (message.type() === "error") this.#seen.push(`${message.text()} (${message.location().url})`);
    });
  }

  /** An error like this is a part of the test. */
  meant(error: RegExp) {
    this.#meant.push(error);
  }

  /** What nobody meant. */
  get left() {
    return this.#seen.filter((error) => !this.#meant.some((meant) => meant.test(error)));
  }
}

/** Chromium's word for an answer that is no 2xx, and for none at all. */
export const REFUSED = (status: number) => new RegExp(`the server responded with a status of ${status}`);
export const UNREACHABLE = /net::ERR_|status of 50[23]/;

interface Fixtures {
  /** Flags of `runcast serve`, beside the folders and the address. */
  flags: string[];
  server: Server;
  troubles: Troubles;
  /** A browser of its own, where nobody has signed in. */
  stranger: (options?: BrowserContextOptions) => Promise<Page>;
  /** A browser of its own, where this user has signed in. The user is made at the first call. */
  visitor: (name: string, options?: BrowserContextOptions & { role?: "user" | "admin" }) => Promise<Page>;
}

export const test = base.extend<Fixtures>({
  flags: [[], { option: true }],

  server: async ({ flags }, use) => {
    const server = new Server(flags);
    try {
      await server.start();
      await use(server);
    } finally {
      await server.remove();
    }
  },

  baseURL: async ({ server }, use) => await use(server.url),

  troubles: [
    async ({}, use, info) => {
      const troubles = new Troubles();
      await use(troubles);
      if (info.status === "passed") base.expect(troubles.left, "errors in the browser's console").toEqual([]);
    },
    { auto: true },
  ],

  context: async ({ context, troubles }, use) => {
    troubles.watch(context);
    await use(context);
  },

  stranger: async ({ browser, server, troubles }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      contexts.push(context);
      troubles.watch(context);
      return await context.newPage();
    });
    for (const context of contexts) await context.close();
  },

  visitor: async ({ server, stranger }, use) => {
    const made = new Set<string>();
    await use(async (name, { role, ...options } = {}) => {
      if (!made.has(name)) await server.addUser(name, role);
      made.add(name);
      const page = await stranger(options);
      const answer = await page.context().request.post("/api/login", { data: { name, password: PASSWORD } });
      base.expect(answer.status(), `${name} signs in`).toBe(200);
      return page;
    });
  },
});
