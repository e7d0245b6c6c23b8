import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Removes the data folder that the configuration made, and no other. */
export default function teardown() {
  const data = process.env.RUNCAST_DATA ?? "";
  if (data.startsWith(join(tmpdir(), "runcast-e2e-"))) rmSync(data, { recursive: true, force: true });
}
