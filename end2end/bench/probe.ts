import type { CDPSession, Page } from "@playwright/test";

/** What is watched inside a page from its first moment. */
export interface Probe {
  /** Milliseconds after the start of the navigation: something was painted; the stream was open and caught up. */
  painted?: number;
  live?: number;
  /** Lengths of the frames since the last `frames = []`, in milliseconds. */
  frames: number[];
  /** Tasks of more than 50 ms, by their length. */
  tasks: number[];
  /** The sum of all layout shifts that no input caused. */
  shift: number;
}

declare global {
  interface Window {
    probe: Probe;
  }
}

/** Puts the probe into every page that is opened from now on. */
export async function plant(page: Page) {
  await page.addInitScript(() => {
    const probe: Probe = { frames: [], tasks: [], shift: 0 };
    window.probe = probe;
    const watch = (type: string, each: (entry: PerformanceEntry) => void) =>
      new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
    watch("paint", (entry) => {
      if (entry.name === "first-contentful-paint") probe.painted = entry.startTime;
    });
    watch("longtask", (entry) => probe.tasks.push(entry.duration));
    watch("layout-shift", (entry) => {
      const shift = entry as PerformanceEntry & { value: number; hadRecentInput: boolean };
      if (!shift.hadRecentInput) probe.shift += shift.value;
    });
    let last = performance.now();
    const frame = (now: number) => {
      probe.frames.push(now - last);
      last = now;
      if (probe.live === undefined && document.querySelector('.live-light[data-state="live"]')) probe.live = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

/** What the page's garbage collector leaves, in megabytes: the script's heap and the wasm's memory together. */
export async function heap(session: CDPSession) {
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = (await session.send("Runtime.getHeapUsage")) as {
    usedSize: number;
    backingStorageSize?: number;
  };
  return (usedSize + backingStorageSize) / 1e6;
}

export const percentile = (values: number[], percent: number) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
};
