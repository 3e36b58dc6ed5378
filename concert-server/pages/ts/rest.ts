// Calls of the REST interface. Types come from its OpenAPI document.

import type { components } from "./openapi";
import { accessToken, language, renew } from "./session";

export type Token = components["schemas"]["TokenBody"];
export type Order = components["schemas"]["OrderBody"];
export type Problem = components["schemas"]["Problem"];
export type Plan = components["schemas"]["Plan"];
export type PlanState = components["schemas"]["PlanState"];
export type PlanDelta = components["schemas"]["PlanDelta"];

/** A refusal, with its code and, for people, its detail. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem> & Record<string, unknown>,
  ) {
    super(problem.detail ?? String(status));
  }
}

/** A request with the session of the page, where there is one. A session that ran out meanwhile is renewed once. */
export async function request(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
  const send = async () => {
    const token = await accessToken();
    const authorization = token ? { Authorization: `Bearer ${token}` } : {};
    const headers = { "Accept-Language": language(), ...authorization, ...init.headers };
    return fetch(path, { ...init, headers, credentials: "omit" });
  };
  const response = await send();
  return response.status === 401 && (await renew()) ? send() : response;
}

/** The answer, or its refusal thrown. */
export async function call<T>(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<T> {
  const response = await request(path, init);
  if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => ({})));
  return (await response.json()) as T;
}

/** Makes something; sent twice with one key, it is made once. */
export function post<T>(path: string, body: unknown, key: string): Promise<T> {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  return call<T>(path, { method: "POST", headers, body: JSON.stringify(body) });
}
