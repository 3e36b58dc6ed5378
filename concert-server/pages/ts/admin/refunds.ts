// Giving a payment back.

import type { Desk } from "./desk";
import { choice, complain, field, number, onSubmit, part, tell, word } from "./page";

interface Ticket {
  paymentId: string;
}

/** Goes to the form, with the payment of a sold seat in it. */
export async function offerRefund(desk: Desk, ticket: string): Promise<void> {
  try {
    const found = await desk.get<Ticket>(`/tickets/${ticket}`);
    part("tab-refunds").click();
    field("payment").value = found.paymentId;
    field("refund-reason").focus();
  } catch (error) {
    complain("seats-trouble", error);
  }
}

export function showRefunds(desk: Desk): void {
  onSubmit("refund-form", "refund-trouble", async () => {
    part("refund-done").hidden = true;
    const body = { reason: field("refund-reason").value, seat: choice("refund-seat").value };
    const path = `/payments/${encodeURIComponent(field("payment").value.trim())}/refund`;
    const done = await desk.send<{ amount: number; seatNumber: number; balance: number }>("POST", path, body);
    const values = { amount: number(done.amount, 2), seat: done.seatNumber, balance: number(done.balance, 2) };
    tell("refund-done", word("refunded", values));
  });
}
