// Who looks: the session that the page carries for its script, and its renewal.

import { observeServerTime, serverNow } from "./clock";

interface Session {
  token: string | null;
  expiresAt: string | null;
  userId: string | null;
  queueToken: string | null;
  csrf: string;
  now: string;
  language: string;
  texts: Record<string, string>;
}

/** A session is renewed when less than this is left of it. */
const RENEW_BEFORE_MS = 60_000;

let session = read(document);
let renewal: Promise<boolean> | null = null;

function read(from: Document): Session {
  const nobody = { token: null, expiresAt: null, userId: null, queueToken: null, csrf: "", now: "", texts: {} };
  const block = from.getElementById("session")?.textContent;
  const found = { language: from.documentElement.lang || "en", ...nobody, ...(block ? JSON.parse(block) : {}) };
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const answered = from === document && navigation ? performance.timeOrigin + navigation.responseStart : Date.now();
  if (found.now) observeServerTime(found.now, answered);
  return found;
}

/** Takes over the session of the same page, loaded once more. */
export function adopt(from: Document): void {
  if (from.getElementById("session")) session = { ...read(from), texts: session.texts };
}

/** Whether the page says who is logged in. */
export const knowsUser = (): boolean => document.getElementById("session") !== null;
export const userId = (): string | null => session.userId;
/** When the access token of the page ends, in milliseconds. */
export const expiresAt = (): number => Date.parse(session.expiresAt ?? "") || 0;
export const language = (): string => session.language;

/** A text in the language of the page; `{name}` stands for a value. */
export function text(id: string, values: Record<string, string | number> = {}): string {
  const found = session.texts[id] ?? id;
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** An access token that is still good; `null`: nobody is logged in any more. */
export async function accessToken(): Promise<string | null> {
  if (!session.token || !session.expiresAt) return null;
  if (Date.parse(session.expiresAt) - serverNow() < RENEW_BEFORE_MS && !(await renew())) {
    return Date.parse(session.expiresAt) > serverNow() ? session.token : null;
  }
  return session.token;
}

/** Asks for another session; `false`: there is none. Throws where the network is away. */
export function renew(): Promise<boolean> {
  renewal ??= ask().finally(() => (renewal = null));
  return renewal;
}

async function ask(): Promise<boolean> {
  const headers = { "X-CSRF-Token": session.csrf };
  const response = await fetch("/session/renew", { method: "POST", headers, credentials: "same-origin" });
  if (response.status === 401 || response.status === 403) {
    session = { ...session, token: null };
    return false;
  }
  if (!response.ok) throw new Error(`renewal: ${response.status}`);
  const renewed = (await response.json()) as Session;
  observeServerTime(renewed.now);
  session = { ...session, token: renewed.token, expiresAt: renewed.expiresAt, csrf: renewed.csrf };
  return renewed.token !== null;
}
