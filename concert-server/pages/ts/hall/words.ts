// Seats in words, in the language of the page.

import { amount } from "../money";
import type { Hall } from "../plan";
import { text } from "../session";

/** The text of each state. */
export const STATE_TEXTS = ["state-free", "state-held", "state-sold", "state-blocked"];

/** A seat as people say it: section, row, number. */
export function seatName(hall: Hall, seat: number): string {
  const row = hall.rows[hall.row[seat]!]!;
  const section = hall.sections[row.section]!.name;
  const parts = [section ?? "", row.name ? text("row", { row: row.name }) : "", text("seat", { number: hall.number[seat]! })];
  return parts.filter(Boolean).join(", ");
}

/** All that is to be known of a seat. */
export function describe(hall: Hall, seat: number, isChosen: boolean): string {
  const state = isChosen ? text("state-chosen") : text(STATE_TEXTS[hall.state[seat]!]!);
  const marks = hall.marksOf(seat).map((mark) => text(`mark-${mark.toLowerCase().replaceAll("_", "-")}`).replace(/^mark-/, "").replaceAll("-", " "));
  return [seatName(hall, seat), amount(hall.priceOf(seat)), state, ...marks].join(" · ");
}
