// Calls of a gate, with its operator key, which is kept in this tab alone.

import { language } from "../session";

export type Refused = { code: string; detail?: string } & Record<string, unknown>;

/** A gate waits this long for the server before it decides by itself. */
const PATIENCE_MS = 3_000;
const KEY = "concert-door-key";

let key = sessionStorage.getItem(KEY) ?? "";
/** By how much the server's clock is ahead of this one. */
let ahead = 0;

export const keptKey = (): string => key;

/** The key of the calls from here on. */
export function useKey(shown: string): void {
  key = shown;
}

export const keepKey = (): void => sessionStorage.setItem(KEY, key);

/** Now, by the server's clock as it was heard last. */
export const serverTime = (): Date => new Date(Date.now() + ahead);

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Refused,
  ) {
    super(problem.detail ?? problem.code);
  }
}

/** Asks the server. Throws a `Refusal`, or another error where there was no answer. */
export async function ask<T>(path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${key}`, "Accept-Language": language() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init: RequestInit = { headers, credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" };
  if (body !== undefined) Object.assign(init, { method: "POST", body: JSON.stringify(body) });
  const response = await fetch(path, init);
  const date = response.headers.get("Date");
  if (date) ahead = Date.parse(date) - Date.now();
  if (response.ok) return (await response.json()) as T;
  // Overloaded, or a proxy before a server that is away: as good as no answer.
  if (response.status >= 500 || response.status === 429) throw new Error(String(response.status));
  throw new Refusal(response.status, await response.json().catch(() => ({ code: String(response.status) })));
}
