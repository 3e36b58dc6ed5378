// Calls of the REST interface with an operator key.

import type { components } from "../openapi";
import { Refusal } from "../rest";

export type Role = components["schemas"]["OperatorRole"];
export type Sale = components["schemas"]["AdminSaleBody"];

/** The key travels to this server alone, in a header; no cookie is sent. */
export class Desk {
  constructor(private readonly key: string) {}

  async ask(path: string, init: RequestInit = {}, headers: Record<string, string> = {}): Promise<Response> {
    const all = { Authorization: `Bearer ${this.key}`, "Accept-Language": document.documentElement.lang, ...headers };
    const response = await fetch(path, { ...init, headers: all, credentials: "omit", cache: "no-store" });
    if (!response.ok) throw new Refusal(response.status, await response.json().catch(() => ({})));
    return response;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.ask(`/api/v1/admin${path}`)).json()) as T;
  }

  async send<T>(method: "POST" | "PATCH", path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    const init = { method, body: JSON.stringify(body) };
    const response = await this.ask(`/api/v1/admin${path}`, init, { "Content-Type": "application/json", ...headers });
    return (await response.json()) as T;
  }

  /** The role of the key. */
  async role(): Promise<Role> {
    return (await this.get<{ role: Role }>("/key")).role;
  }
}
