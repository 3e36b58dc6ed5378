// The place in the queue: pushed, or asked for where streams fail; and how sure the page is of it.

import { type Token, request } from "./rest";
import { bellButton, call, inTitle } from "./bell";
import { observeServerTime } from "./clock";
import { announce } from "./dom";
import { language, text, userId } from "./session";
import { Backoff, listen, pause } from "./stream";
import { sessionEnd } from "./watch";

/** A place that nothing was heard of for this long may be another one by now. */
const UNSURE_AFTER_MS = 25_000;
/** How long the page polls before it tries a stream again. */
const POLLING_MS = 60_000;
const SECOND_MS = 1_000;

/** What a queue page needs of the rest. */
export interface Page {
  /** Shows the page anew, since the visit is in another state, and closes the queue. Fails where the page cannot be had. */
  reload(): Promise<void>;
}

export class Queue {
  private readonly stop = new AbortController();
  private readonly backoff = new Backoff();
  private readonly tabs: BroadcastChannel | null;
  private stream = new AbortController();
  private readonly begunAt = Date.now();
  private heardAt = Date.now();
  /** How long nothing may be heard before that is strange. */
  private patience = UNSURE_AFTER_MS;
  private wasSure = true;
  private status: string;
  private reloading: Promise<void> | null = null;
  private saidLoggedOut = false;

  constructor(
    private readonly sale: string,
    private readonly page: Page,
  ) {
    this.status = document.querySelector(".turn") ? "ACTIVE" : "WAITING";
    this.tabs = "BroadcastChannel" in window ? new BroadcastChannel(`concert-queue-${sale}`) : null;
    if (this.tabs) this.tabs.onmessage = (message) => this.show(message.data as Token);
    this.decorate();
    document.addEventListener("visibilitychange", this.lookAgain);
    window.addEventListener("online", this.lookAgain);
    const watch = setInterval(() => this.sayHowSure(), SECOND_MS);
    this.stop.signal.addEventListener("abort", () => {
      clearInterval(watch);
      document.removeEventListener("visibilitychange", this.lookAgain);
      window.removeEventListener("online", this.lookAgain);
      this.tabs?.close();
      this.stream.abort();
    });
    void this.follow();
    void sessionEnd(this.stop.signal).then(() => this.over());
  }

  close(): void {
    this.stop.abort();
  }

  /** Whoever slept, or lost the network, has a stream that may be dead without knowing it. */
  private readonly lookAgain = (): void => {
    if (!document.hidden && Date.now() - this.heardAt > UNSURE_AFTER_MS) this.stream.abort();
  };

  private async follow(): Promise<void> {
    const path = `/api/v1/tokens/${userId()}/events?saleId=${this.sale}`;
    while (!this.stop.signal.aborted) {
      this.stream = new AbortController();
      const replaced = { yes: false };
      const ending = await listen(path, {}, this.listener(replaced), this.stream.signal);
      if (this.stop.signal.aborted) return;
      if (ending !== "broken" && [401, 403, 404, 410].includes(ending.status)) return this.over();
      if (replaced.yes || (ending !== "broken" && ending.status !== 200)) {
        if (!(await this.poll(POLLING_MS))) return this.over();
      } else if (ending === "broken") {
        // One question answers whether the network is there at all.
        if (!(await this.poll(0))) return this.over();
        await pause(this.backoff.next(), this.stop.signal);
      } else {
        // The server stops, or the stream was old: not all at once.
        await pause(Math.random() * 2 * SECOND_MS, this.stop.signal);
      }
    }
  }

  private listener(replaced: { yes: boolean }) {
    return {
      heard: () => this.hear(UNSURE_AFTER_MS),
      event: (name: string, data: string) => {
        if (name === "token") {
          this.backoff.reset();
          this.tabs?.postMessage(JSON.parse(data));
          this.show(JSON.parse(data) as Token);
        } else if (name === "replaced") {
          replaced.yes = true;
        } else if (name === "end") {
          void this.over();
        }
      },
    };
  }

  /** Asks as often as the server says, for so long, or once; `false`: the token has ended. */
  private async poll(milliseconds: number): Promise<boolean> {
    const until = Date.now() + milliseconds;
    do {
      let wait = 5;
      try {
        const response = await request(`/api/v1/tokens/${userId()}?saleId=${this.sale}`);
        if ([401, 403, 404, 410].includes(response.status)) return false;
        if (response.ok) {
          const token = (await response.json()) as Token;
          wait = Math.max(1, token.pollAfterSeconds);
          this.hear(wait * SECOND_MS + UNSURE_AFTER_MS);
          this.tabs?.postMessage(token);
          this.show(token);
        }
      } catch {
        wait = this.backoff.next() / SECOND_MS;
      }
      if (milliseconds) await pause(wait * SECOND_MS * (0.9 + Math.random() / 5), this.stop.signal);
    } while (Date.now() < until && !this.stop.signal.aborted);
    return true;
  }

  private hear(patience: number): void {
    [this.heardAt, this.patience] = [Date.now(), patience];
    this.sayHowSure();
  }

  private show(token: Token): void {
    observeServerTime(token.now);
    this.hear(this.patience);
    const before = this.status;
    this.status = token.status;
    if (token.status === "ACTIVE") {
      if (before !== "ACTIVE") return this.arrive();
      const countdown = document.querySelector<HTMLElement>("[data-kind=turn]");
      if (countdown && token.expiresAt) countdown.dataset.countdown = token.expiresAt;
      return;
    }
    this.showPlace(token);
  }

  private showPlace(token: Token): void {
    const place = document.getElementById("queue-place");
    const estimate = document.getElementById("queue-estimate");
    if (!place || token.queuePosition === null || token.queuePosition === undefined) return;
    if (place.hidden) return void this.reload();
    const number = new Intl.NumberFormat(language()).format(token.queuePosition);
    if (place.textContent !== number) place.textContent = number;
    document.title = `${number} · ${document.querySelector("h1")?.textContent ?? ""}`;
    if (estimate) estimate.textContent = token.phase === "DOORS" ? text("doors") : about(token.remainingTime);
  }

  private arrive(): void {
    announce(text("turn"));
    // Told before the page is there, which a bad network may delay.
    call(text("turn"), text("turn-choose"));
    void this.reload().then(() => (userId() ? inTitle(text("turn")) : this.sayLoggedOut()));
  }

  /** The token has ended, or belongs to nobody any more. */
  private async over(): Promise<void> {
    this.stream.abort();
    // What the page and the stream cannot agree on is not asked again and again.
    if (Date.now() - this.begunAt < 5 * SECOND_MS) await pause(5 * SECOND_MS);
    await this.reload();
    if (!userId()) this.sayLoggedOut();
  }

  /** Without a session the turn comes and goes, so it is told as loudly as the turn. */
  private sayLoggedOut(): void {
    if (this.saidLoggedOut) return;
    this.saidLoggedOut = true;
    announce(`${text("logged-out")} ${text("logged-out-more")}`);
    call(text("logged-out"), text("logged-out-more"));
  }

  /** Shows the page anew, however long it takes to get it. */
  private reload(): Promise<void> {
    this.reloading ??= this.reloadUntilThere();
    return this.reloading;
  }

  private async reloadUntilThere(): Promise<void> {
    const backoff = new Backoff();
    while (!this.stop.signal.aborted) {
      try {
        return await this.page.reload();
      } catch {
        await pause(backoff.next(), this.stop.signal);
      }
    }
  }

  private decorate(): void {
    const note = document.getElementById("queue-note");
    if (note && !document.getElementById("bell")) note.after(bellButton());
  }

  /** Says how old the place is that is shown, once that is older than it should be. */
  private sayHowSure(): void {
    const note = document.getElementById("queue-note");
    if (!note) return;
    const age = Date.now() - this.heardAt;
    const isSure = age <= this.patience && navigator.onLine;
    note.classList.toggle("unsure", !isSure);
    note.textContent = isSure ? text("live") : text("unsure", { time: span(age / SECOND_MS) });
    if (isSure !== this.wasSure) announce(note.textContent);
    this.wasSure = isSure;
  }
}

function about(seconds: number): string {
  return seconds < 60 ? text("soon") : text("estimate", { time: span(seconds) });
}

/** A span of time in words. */
function span(seconds: number): string {
  const [value, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 5_400 ? [seconds / 60, "minute"] : [seconds / 3_600, "hour"];
  const form = { style: "unit", unit, unitDisplay: "short" } as const;
  return new Intl.NumberFormat(language(), form).format(Math.max(1, Math.round(value)));
}
