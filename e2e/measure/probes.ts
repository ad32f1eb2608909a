// What a page costs and when it paints, as the browser and the page itself say it.
import type { CDPSession, Page } from '@playwright/test';

/** Memory in bytes: the objects of JavaScript, and the memory of WebAssembly, which only grows. */
export type Memory = { objects: number; wasm: number };

/** Time in seconds: that of the measurement, and how much of it the main thread was busy. */
export type MainThread = { at: number; busy: number };

/** The cost of a page. Has to be attached before the page is opened. */
export class Cost {
  private constructor(
    private readonly page: Page,
    private readonly session: CDPSession,
  ) {}

  static async attach(page: Page): Promise<Cost> {
    await page.addInitScript(noteMemory);
    return new Cost(page, await page.context().newCDPSession(page));
  }

  /** The memory after everything that is not used has been freed. */
  async memory(): Promise<Memory> {
    // Freed objects may hold others that only the next collection finds.
    for (let times = 0; times < 3; times++) await this.session.send('HeapProfiler.collectGarbage');
    const wasm = await this.page.evaluate(() => (window as any).wasmMemory?.buffer.byteLength);
    if (!wasm) throw new Error('the page has no memory of WebAssembly');
    return { objects: await this.metric('JSHeapUsedSize'), wasm };
  }

  async mainThread(): Promise<MainThread> {
    const metrics = await this.metrics();
    return { at: metrics('Timestamp'), busy: metrics('TaskDuration') };
  }

  private async metric(name: string): Promise<number> {
    return (await this.metrics())(name);
  }

  private async metrics(): Promise<(name: string) => number> {
    // Once more after each navigation, which may be to another process.
    await this.session.send('Performance.enable');
    const { metrics } = await this.session.send('Performance.getMetrics');
    return (name) => {
      const found = metrics.find((metric) => metric.name === name);
      if (!found) throw new Error(`Chromium has no metric ${name}`);
      return found.value;
    };
  }
}

/** Keeps the memory of the page's WebAssembly where the measurement finds it. Runs in the page. */
function noteMemory(): void {
  const note = (result: any) => {
    const memory = (result.instance ?? result).exports.memory;
    if (memory instanceof WebAssembly.Memory) (window as any).wasmMemory = memory;
    return result;
  };
  const { instantiate, instantiateStreaming } = WebAssembly as any;
  const wrapped = {
    instantiate: (...args: unknown[]) => instantiate.apply(WebAssembly, args).then(note),
    instantiateStreaming: (...args: unknown[]) => instantiateStreaming.apply(WebAssembly, args).then(note),
  };
  Object.assign(WebAssembly, wrapped);
}

/** Notes the long tasks of a page from now on. */
export async function watchLongTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    const durations: number[] = [];
    const note = (entries: PerformanceEntryList) => entries.forEach((entry) => durations.push(entry.duration));
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: 'longtask' });
    (window as any).longTasks = () => {
      note(observer.takeRecords());
      return durations;
    };
  });
}

/** The durations of the long tasks that were noted, in milliseconds. */
export function longTasks(page: Page): Promise<number[]> {
  return page.evaluate(() => (window as any).longTasks());
}

/** A speed that a row has shown: the transfer, the text, and when it was on the screen, in milliseconds since 1970. */
export type Paint = [id: string, speed: string, at: number];

/**
 * Notes from now on when new speeds of rows are on the screen. What changes in a frame, or before it, is on the screen
 * when the next frame begins; a change between two frames is painted in the one that comes next.
 */
export async function watchPaints(page: Page): Promise<void> {
  await page.evaluate(() => {
    const painted: [string, string, number][] = [];
    let changed: { id: string; speed: string; frame: number }[] = [];
    let frame = 0;
    // From the begin of a frame until it is painted. Other callbacks of the same frame run after the one below.
    let isInFrame = false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => (isInFrame = false);
    const begin = () => {
      requestAnimationFrame(begin);
      const now = Date.now();
      // `frame` is still the one before, which is on the screen now.
      for (const change of changed) if (change.frame <= frame) painted.push([change.id, change.speed, now]);
      changed = changed.filter((change) => change.frame > frame);
      frame += 1;
      isInFrame = true;
      port2.postMessage(null);
    };
    requestAnimationFrame(begin);
    const note = (records: MutationRecord[]) => {
      for (const { target } of records) {
        const cell = target instanceof HTMLElement ? target : target.parentElement;
        if (cell?.dataset.label !== 'Speed') continue;
        const link = cell.closest('tr')?.querySelector<HTMLAnchorElement>('a[href*="/transfers/"]');
        const id = link?.href.split('/').at(-1);
        if (id) changed.push({ id, speed: cell.textContent!.trim(), frame: isInFrame ? frame : frame + 1 });
      }
    };
    new MutationObserver(note).observe(document.querySelector('main')!, {
      subtree: true,
      childList: true,
      characterData: true,
    });
    (window as any).painted = painted;
  });
}

/** The speeds that were painted. */
export function paints(page: Page): Promise<Paint[]> {
  return page.evaluate(() => (window as any).painted);
}
