import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A wire between browsers and a server, that a test can cut. */
export class Wire {
  #server = createServer((near) => this.#join(near));
  #sockets = new Set<Socket>();
  #to: URL;
  #whole = true;

  constructor(to: string) {
    this.#to = new URL(to);
  }

  /** Where the server seems to be. */
  get url() {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async lay() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Ends every connection, and lets no new one be made. */
  cut() {
    this.#whole = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#whole = true;
  }

  remove() {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket) {
    if (!this.#whole) return near.destroy();
    const far = connect(Number(this.#to.port), this.#to.hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      this.#sockets.add(one);
      // An end that breaks takes the other with it; that is what a cut is.
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
