// The states of seats as they change: pushed, or asked for where streams fail.

import { type PlanDelta, type PlanState, call } from "./rest";
import { Backoff, listen, pause } from "./stream";

/** How often the states are asked for where they are not pushed, and for how long before a stream is tried again. */
const POLL_MS = 2_000;
const POLLING_MS = 60_000;
/** A stream of a page that is hidden for this long is given up. */
const HIDDEN_MS = 60_000;
const UNSURE_AFTER_MS = 25_000;
const SECOND_MS = 1_000;

export interface Watcher {
  state(state: PlanState): void | Promise<void>;
  delta(delta: PlanDelta): void;
  sure(isSure: boolean): void;
}

export class Live {
  private readonly backoff = new Backoff();
  private stream = new AbortController();
  private lastId = "";
  private heardAt = Date.now();
  private hiding: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly path: string,
    private readonly watcher: Watcher,
    /** The tag of the states that the page has already. */
    private known: string | null = null,
  ) {
    document.addEventListener("visibilitychange", () => this.looked());
    window.addEventListener("online", () => this.looked());
    setInterval(() => watcher.sure(navigator.onLine && Date.now() - this.heardAt <= UNSURE_AFTER_MS), SECOND_MS);
    void this.follow();
  }

  /** Begins anew, with all states. */
  restart(): void {
    this.lastId = "";
    this.stream.abort();
  }

  private looked(): void {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.stream.abort(), HIDDEN_MS);
    else if (Date.now() - this.heardAt > UNSURE_AFTER_MS) this.stream.abort();
  }

  private async follow(): Promise<void> {
    for (;;) {
      while (document.hidden && Date.now() - this.heardAt > HIDDEN_MS) await pause(HIDDEN_MS);
      this.stream = new AbortController();
      const headers: Record<string, string> = this.lastId ? { "Last-Event-ID": this.lastId } : this.known ? { "If-None-Match": this.known } : {};
      this.known = null;
      const ending = await listen(this.path, headers, this.listener(), this.stream.signal);
      if (ending === "broken") await pause(this.backoff.next());
      else if (ending.status === 200) await pause(Math.random() * 2 * SECOND_MS);
      else await this.poll();
    }
  }

  private listener() {
    return {
      heard: () => (this.heardAt = Date.now()),
      event: (name: string, data: string, id: string) => {
        this.backoff.reset();
        this.lastId = id;
        if (name === "state") void this.watcher.state(JSON.parse(data) as PlanState);
        else if (name === "delta") this.watcher.delta(JSON.parse(data) as PlanDelta);
      },
    };
  }

  private async poll(): Promise<void> {
    const until = Date.now() + POLLING_MS;
    this.lastId = "";
    while (Date.now() < until) {
      try {
        // The browser's own cache asks with the ETag, and gets a few bytes while nothing has changed.
        const state = await call<PlanState>(this.path, { headers: { Accept: "application/json" }, cache: "no-cache" });
        this.heardAt = Date.now();
        await this.watcher.state(state);
      } catch {
        await pause(this.backoff.next());
      }
      await pause(POLL_MS * (1 + Math.random()));
    }
  }
}
