// Server-sent events over `fetch`, which can send headers; and how to come back when they break.

import { request } from "./rest";

/** A stream that is silent for this long is dead: its server sends a sign of life every 15 seconds. */
const SILENCE_MS = 40_000;
const SHORTEST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export interface Listener {
  /** Something came, if only a sign of life. */
  heard(): void;
  event(name: string, data: string, id: string): void;
}

/** Why a stream is over. */
export type Ending = { status: number } | "broken";

/** Listens until the stream ends; returns how it did. */
export async function listen(
  path: string,
  headers: Record<string, string>,
  listener: Listener,
  signal: AbortSignal,
): Promise<Ending> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const all = { Accept: "text/event-stream", ...headers };
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await request(path, { headers: all, signal: both, cache: "no-store" });
    if (!response.ok || !response.body) return { status: response.status };
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { status: 200 };
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      listener.heard();
      buffer = dispatch(buffer + value, listener);
    }
  } catch {
    return "broken";
  } finally {
    clearTimeout(timer);
  }
}

/** Hands out the events that are whole; returns what is left. */
function dispatch(text: string, listener: Listener): string {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  for (const block of blocks) {
    let [name, data, id] = ["message", "", ""];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).replace(/^ /, "");
      if (line.startsWith("event:")) name = value;
      else if (line.startsWith("data:")) data += value;
      else if (line.startsWith("id:")) id = value;
    }
    if (data) listener.event(name, data, id);
  }
  return rest;
}

/** Longer and longer waits, each by chance shorter, so that a crowd does not come back at once. */
export class Backoff {
  private failures = 0;

  reset(): void {
    this.failures = 0;
  }

  /** How long to wait after one more failure, in milliseconds. */
  next(): number {
    const longest = Math.min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** this.failures++);
    return longest * (0.5 + Math.random() / 2);
  }
}

/** Waits so long, or until the page is looked at again or the network is back: then whoever waits goes on at once. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function seen(): void {
      if (!document.hidden) done();
    }
    function done(): void {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("online", done);
    signal?.addEventListener("abort", done);
  });
}
