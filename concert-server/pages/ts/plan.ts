// The plan of the hall in arrays: one entry for each seat, row or section, in the order of the plan.

import type { Plan } from "./rest";

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;
export const BLOCKED = 3;

/** A box around seats, in units of the plan. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Row {
  name: string | null;
  section: number;
  /** Its first seat, and the one after its last. */
  from: number;
  to: number;
  box: Box;
}

export interface Section {
  name: string | null;
  from: number;
  to: number;
  /** Its first row, and the one after its last. */
  rows: [number, number];
  box: Box;
  prices: [number, number];
}

/** How far apart neighbours stand in a plan that was made from rows. */
const SPACING = 10;

export class Hall {
  readonly version: number;
  readonly seats: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly number: Int32Array;
  readonly price: Uint16Array;
  readonly row: Uint32Array;
  readonly marks: Int16Array;
  /** The states, one byte a seat. */
  readonly state: Uint8Array;
  readonly prices: number[];
  readonly markLists: string[][];
  readonly rows: Row[] = [];
  readonly sections: Section[] = [];
  readonly box: Box;
  /** How far apart neighbours stand here: the middle one of the distances in rows. */
  readonly spacing: number;
  private readonly byNumber = new Map<number, number>();

  constructor(plan: Plan) {
    const seats = plan.seats;
    [this.version, this.seats, this.prices, this.markLists] = [plan.version, seats, plan.prices, plan.marks];
    [this.x, this.y] = [new Float32Array(seats), new Float32Array(seats)];
    [this.number, this.price] = [new Int32Array(seats), new Uint16Array(seats)];
    [this.row, this.state] = [new Uint32Array(seats), new Uint8Array(seats).fill(BLOCKED)];
    this.marks = new Int16Array(seats).fill(-1);
    this.box = plan.bounds;
    let next = 0;
    for (const section of plan.sections) {
      const [from, firstRow] = [next, this.rows.length];
      for (const row of section.rows) {
        const rowFrom = next;
        for (const run of row.runs) next = this.place(run, next);
        this.rows.push({ name: row.name ?? null, section: this.sections.length, from: rowFrom, to: next, box: this.around(rowFrom, next) });
        this.row.fill(this.rows.length - 1, rowFrom, next);
      }
      this.sections.push({
        name: section.name ?? null,
        from,
        to: next,
        rows: [firstRow, this.rows.length],
        box: this.around(from, next),
        prices: this.pricesOf(from, next),
      });
    }
    for (let seat = 0; seat < seats; seat++) this.byNumber.set(this.number[seat]!, seat);
    this.spacing = this.measure();
  }

  /** Places the seats of a run from `next` on; returns the seat after them. */
  private place(run: Plan["sections"][number]["rows"][number]["runs"][number], next: number): number {
    let [x, y] = [run.x, run.y];
    const [step, dx, dy, price] = [run.step ?? 1, run.dx ?? SPACING, run.dy ?? 0, run.price ?? 0];
    for (let nth = 0; nth < run.count; nth++, next++) {
      if (nth > 0) {
        x += run.steps ? run.steps[nth * 2 - 2]! : dx;
        y += run.steps ? run.steps[nth * 2 - 1]! : dy;
      }
      [this.x[next], this.y[next]] = [x, y];
      this.number[next] = run.number + nth * step;
      this.price[next] = price;
      if (run.marks !== undefined) this.marks[next] = run.marks;
    }
    return next;
  }

  private around(from: number, to: number): Box {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let seat = from; seat < to; seat++) {
      const [x, y] = [this.x[seat]!, this.y[seat]!];
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
    }
    return { left, top, right, bottom };
  }

  private pricesOf(from: number, to: number): [number, number] {
    let [least, most] = [Infinity, -Infinity];
    for (let seat = from; seat < to; seat++) {
      const price = this.prices[this.price[seat]!]!;
      if (price < least) least = price;
      if (price > most) most = price;
    }
    return [least, most];
  }

  private measure(): number {
    const distances: number[] = [];
    for (const row of this.rows) {
      if (row.to - row.from < 2) continue;
      const [a, b] = [row.from, row.from + 1];
      distances.push(Math.hypot(this.x[b]! - this.x[a]!, this.y[b]! - this.y[a]!));
    }
    distances.sort((a, b) => a - b);
    return distances[distances.length >> 1] || SPACING;
  }

  /** The seat of a number. */
  seat(number: number): number | undefined {
    return this.byNumber.get(number);
  }

  sectionOf(seat: number): Section {
    return this.sections[this.rows[this.row[seat]!]!.section]!;
  }

  priceOf(seat: number): number {
    return this.prices[this.price[seat]!]!;
  }

  marksOf(seat: number): string[] {
    return this.markLists[this.marks[seat]!] ?? [];
  }

  /** Takes over the states of all seats, two bits each; returns the seats that have changed. */
  setStates(bits: Uint8Array): number[] {
    const changed: number[] = [];
    for (let seat = 0; seat < this.seats; seat++) {
      const state = (bits[seat >> 2]! >> ((seat & 3) * 2)) & 3;
      if (state === this.state[seat]) continue;
      this.state[seat] = state;
      changed.push(seat);
    }
    return changed;
  }

  /** How many seats of a section are free. */
  freeIn(section: { from: number; to: number }): number {
    let free = 0;
    for (let seat = section.from; seat < section.to; seat++) if (this.state[seat] === FREE) free++;
    return free;
  }

  /** The seat at a point, or near it; `null`: there is none. Rows are looked through, and seats of near rows alone. */
  seatAt(x: number, y: number, reach: number): number | null {
    let [found, least] = [-1, reach * reach];
    for (const { box, from, to } of this.rows) {
      if (x < box.left - reach || x > box.right + reach || y < box.top - reach || y > box.bottom + reach) continue;
      for (let seat = from; seat < to; seat++) {
        const [dx, dy] = [this.x[seat]! - x, this.y[seat]! - y];
        const distance = dx * dx + dy * dy;
        if (distance < least) [found, least] = [seat, distance];
      }
    }
    return found < 0 ? null : found;
  }

  /** The next seat in a direction, as the arrow keys go: beside it in its row, else the nearest one that way. */
  beside(seat: number, dx: number, dy: number): number | null {
    const row = this.rows[this.row[seat]!]!;
    if (dx) {
      const rises = row.to - row.from < 2 || this.x[row.to - 1]! >= this.x[row.from]!;
      const next = seat + (rises === dx > 0 ? 1 : -1);
      if (next >= row.from && next < row.to) return next;
    }
    const [x, y] = [this.x[seat]!, this.y[seat]!];
    let [found, least] = [-1, Infinity];
    for (let other = 0; other < this.seats; other++) {
      const along = (this.x[other]! - x) * dx + (this.y[other]! - y) * dy;
      if (along < this.spacing / 4) continue;
      const across = Math.abs((this.x[other]! - x) * dy) + Math.abs((this.y[other]! - y) * dx);
      const cost = along + across * 3;
      if (cost < least) [found, least] = [other, cost];
    }
    return found < 0 ? null : found;
  }
}

/** Bytes from base64. */
export function bytes(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
