// Whether whoever looks is still logged in: a page that is open for hours hears of the end of its session.

import { serverNow } from "./clock";
import { expiresAt, knowsUser, renew, userId } from "./session";
import { pause } from "./stream";

/** The session is renewed at least this long before its end, and at most twice as long, so that a crowd does not renew at once. */
const BEFORE_MS = 60_000;
/** Whoever looks at the page again asks anew after this time. */
const ASKED_LATELY_MS = 10_000;
const SECOND_MS = 1_000;

/** Who is logged in, as each page of this browser says when it is opened. */
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("concert-session") : null;

/** Tells the other pages of this browser who is logged in now. */
export function tellTabs(): void {
  if (knowsUser()) tabs?.postMessage(userId());
}

/** Comes back once the session has ended; never, once `signal` says that nobody waits any more. */
export async function sessionEnd(signal: AbortSignal): Promise<void> {
  let doubt = new AbortController();
  tabs?.addEventListener("message", ({ data }) => data !== userId() && doubt.abort(), { signal });
  for (let askedAt = Date.now(); ; ) {
    const left = expiresAt() - serverNow();
    const early = BEFORE_MS * (1 + Math.random());
    const due = Date.now() + (left > 2 * BEFORE_MS ? left - early : Math.max(left, SECOND_MS));
    // A doubt may have come while the last answer was on its way.
    if (!doubt.signal.aborted) await pause(due - Date.now(), AbortSignal.any([signal, doubt.signal]));
    if (signal.aborted) return new Promise(() => {});
    const isLookedAt = Date.now() < due && !doubt.signal.aborted;
    doubt = new AbortController();
    if (isLookedAt && Date.now() - askedAt < ASKED_LATELY_MS) continue;
    askedAt = Date.now();
    // Without a network nothing is known.
    if (!(await renew().catch(() => true))) return;
  }
}
