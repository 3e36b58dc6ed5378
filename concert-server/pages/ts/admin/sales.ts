// A sale: its instants, its cap, its pace, its pause. Changed only as it was seen.

import { Refusal } from "../rest";
import { make } from "../dom";
import type { Desk, Sale } from "./desk";
import { choice, complain, field, hide, moment, number, onSubmit, part, tell, word } from "./page";

const INSTANTS = ["doorsAt", "opensAt", "closesAt"] as const;
const COUNTS = ["maxActive", "perMinute", "maxSeatsPerUser"] as const;

/** For a field of date and time, by the clocks of whoever looks. */
function local(at: string | null | undefined): string {
  if (!at) return "";
  const date = new Date(at);
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

const instant = (text: string): string | null => (text ? new Date(text).toISOString() : null);

class SaleForm {
  private sales: Sale[] = [];
  private seen: Sale | null = null;

  constructor(private readonly desk: Desk) {
    part("sale").addEventListener("change", () => this.show());
    part("sale-again").addEventListener("click", () => void this.load());
    onSubmit("sale-form", "sale-trouble", () => this.save());
    void this.load();
  }

  async load(): Promise<void> {
    hide("sale-trouble", "sale-done");
    try {
      this.sales = await this.desk.get<Sale[]>("/sales");
    } catch (error) {
      return complain("sale-trouble", error);
    }
    const before = choice("sale").value;
    choice("sale").replaceChildren(...this.sales.map((sale) => make("option", { value: sale.saleId }, sale.name)));
    if (this.sales.some((sale) => sale.saleId === before)) choice("sale").value = before;
    this.show();
  }

  private show(): void {
    const sale = this.sales.find((one) => one.saleId === choice("sale").value);
    if (!sale) return;
    this.seen = sale;
    for (const name of INSTANTS) field(name).value = local(sale[name]);
    for (const name of COUNTS) field(name).value = String(sale[name] ?? "");
    field("paused").checked = sale.paused;
    const values = { phase: word(`phase-${sale.phase}`), waiting: number(sale.waiting), active: number(sale.active), now: moment(sale.now), version: sale.version };
    part("sale-state").textContent = word("sale-state", values);
  }

  /** Sends what differs from what was seen, for that version alone. */
  private async save(): Promise<void> {
    const sale = this.seen;
    if (!sale) return;
    const change: Record<string, unknown> = {};
    for (const name of INSTANTS) {
      if (field(name).value !== local(sale[name])) change[name] = instant(field(name).value);
    }
    for (const name of COUNTS) {
      const value = field(name).value === "" ? null : Number(field(name).value);
      if (value !== (sale[name] ?? null)) change[name] = value;
    }
    if (field("paused").checked !== sale.paused) change.paused = field("paused").checked;
    if (Object.keys(change).length === 0) return tell("sale-done", word("nothing-changed"));
    try {
      const now = await this.desk.send<Sale>("PATCH", `/sales/${sale.saleId}`, change, { "If-Match": `"${sale.version}"` });
      this.sales = this.sales.map((one) => (one.saleId === now.saleId ? now : one));
      this.show();
      tell("sale-done", word("saved"));
    } catch (error) {
      if (error instanceof Refusal && error.status === 412) {
        await this.load();
        return tell("sale-trouble", word("changed-meanwhile"));
      }
      throw error;
    }
  }
}

export function showSales(desk: Desk): void {
  new SaleForm(desk);
}
