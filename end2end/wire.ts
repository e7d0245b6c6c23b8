import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { Transform } from "node:stream";

/** What came through the wire: when, a request's head, and the first bytes of what it was answered. */
export interface Asked {
  at: number;
  head: string;
  answer: string;
}

/** A wire between browsers and a server, that a test can cut. */
export class Wire {
  /** Every request so far, in order. */
  readonly asked: Asked[] = [];
  #server = createServer((near) => this.#join(near));
  #sockets = new Set<Socket>();
  #to: URL;
  #whole = true;
  #left = Infinity;

  constructor(to: string) {
    this.#to = new URL(to);
  }

  /** Where the server seems to be. */
  get url() {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get whole() {
    return this.#whole;
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

  /** Cuts it when the server has said this many bytes more, which still arrive. */
  cutAfter(bytes: number) {
    this.#left = bytes;
  }

  mend() {
    this.#left = Infinity;
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
    }
    this.#note(near, far);
    near.pipe(far);
    far.pipe(this.#meter(near)).pipe(near);
  }

  /** Lets through what the wire still carries. */
  #meter(near: Socket) {
    return new Transform({
      transform: (bytes: Buffer, _, pass) => {
        if (bytes.length < this.#left) {
          this.#left -= bytes.length;
          return pass(null, bytes);
        }
        near.write(bytes.subarray(0, this.#left), () => this.cut());
        this.#left = 0;
      },
    });
  }

  #note(near: Socket, far: Socket) {
    let asked: Asked | undefined;
    // A request of those that the tests make comes in one piece.
    near.on("data", (bytes) => {
      const head = bytes.toString("latin1");
      if (/^[A-Z]+ \S+ HTTP\//.test(head)) this.asked.push((asked = { at: Date.now(), head, answer: "" }));
    });
    far.on("data", (bytes) => {
      if (asked && asked.answer.length < 2_000) asked.answer += bytes.toString("latin1");
    });
  }
}
