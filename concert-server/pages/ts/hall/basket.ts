// The seats that are chosen: one basket, which the plan and the list of the page both show and change.

import { announce, make } from "../dom";
import { amount } from "../money";
import { FREE, type Hall } from "../plan";
import { type Order, Refusal, post } from "../rest";
import { text, userId } from "../session";
import { describe, seatName } from "./words";

/** What the page says of a choice. */
export interface Terms {
  concert: string;
  canHold: boolean;
  /** How many seats may be chosen. */
  most: number;
}

export class Basket {
  readonly chosen = new Set<number>();
  readonly complaint = make("div", { class: "trouble", role: "alert", hidden: "" });
  readonly element = make("div", { class: "basket", hidden: "" });
  private readonly list = make("ul", { class: "chosen" });
  private readonly sum = make("p", { class: "sum" });
  private readonly holdButton = make("button", { type: "button", id: "hold" });
  /** The form of the page's list, which lists the seats of one row. */
  private readonly form = document.querySelector<HTMLFormElement>("#choose form");
  private readonly formButton = this.form?.querySelector("button") ?? null;
  private readonly formWords = this.formButton?.textContent ?? "";
  private readonly kept: string;
  private key = crypto.randomUUID();
  /** The seats of a hold whose answer has not come: they may be held by now, by this very hold. */
  private asked: ReadonlySet<number> = new Set();

  /** `changed` is called when the choice is another one; `left` when what had the focus is gone. */
  constructor(
    private readonly terms: Terms,
    private hall: Hall,
    private readonly changed: () => void,
    private readonly left: () => void,
  ) {
    this.kept = `concert-chosen-${terms.concert}-${userId()}`;
    this.holdButton.addEventListener("click", () => void this.hold());
    this.element.append(make("h3", {}, text("chosen")), this.list, this.sum, this.holdButton);
    this.followList();
  }

  /** Takes over what was chosen before: in the list before this script ran, or on another page of the list. */
  restore(): void {
    const ticked = this.boxes().filter((box) => box.checked).map((box) => Number(box.value));
    this.updateList();
    if (!this.terms.canHold) return;
    this.take(new Set([...this.read(), ...ticked]));
    this.show();
  }

  /** Chooses those of these numbers that are free; says which are not. */
  private take(numbers: Iterable<number>): void {
    const seats = [...numbers].map((number) => this.hall.seat(number)).filter((seat) => seat !== undefined);
    const lost = seats.filter((seat) => this.hall.state[seat] !== FREE);
    for (const seat of seats) if (this.hall.state[seat] === FREE && this.chosen.size < this.terms.most) this.chosen.add(seat);
    if (lost.length > 0) this.complainOfLost(lost);
  }

  /** Another plan, in which seats have other places. */
  moveTo(hall: Hall): void {
    const numbers = this.numbers();
    this.hall = hall;
    this.asked = new Set();
    this.chosen.clear();
    this.take(numbers);
    this.show();
    this.updateList();
  }

  toggle(seat: number): void {
    const words = () => describe(this.hall, seat, this.chosen.has(seat));
    if (!this.terms.canHold) return announce(`${words()}. ${text("not-your-turn")}`);
    if (this.chosen.has(seat)) this.chosen.delete(seat);
    else if (this.hall.state[seat] !== FREE) return announce(words());
    else if (this.chosen.size >= this.terms.most) return this.complain(text("too-many", { count: this.terms.most }));
    else this.chosen.add(seat);
    this.key = crypto.randomUUID();
    this.asked = new Set();
    this.complaint.hidden = true;
    this.show();
    announce(`${words()}. ${text("chosen-count", { count: this.chosen.size })}`);
  }

  private show(): void {
    const seats = [...this.chosen].sort((a, b) => a - b);
    this.element.hidden = seats.length === 0;
    this.list.replaceChildren(
      ...seats.map((seat) => {
        const name = seatName(this.hall, seat);
        const remove = make("button", { type: "button", class: "link", "aria-label": text("remove", { seat: name }) }, "✕");
        remove.addEventListener("click", () => {
          this.toggle(seat);
          const next = this.list.querySelector("button");
          if (next) next.focus();
          else this.left();
        });
        return make("li", {}, make("span", {}, name), make("span", { class: "number" }, amount(this.hall.priceOf(seat))), remove);
      }),
    );
    this.sum.textContent = amount(seats.reduce((sum, seat) => sum + this.hall.priceOf(seat), 0));
    this.holdButton.textContent = text("hold-count", { count: seats.length });
    if (this.formButton) this.formButton.textContent = seats.length > 0 ? this.holdButton.textContent : this.formWords;
    for (const box of this.boxes()) {
      const seat = this.hall.seat(Number(box.value));
      if (seat !== undefined) box.checked = this.chosen.has(seat);
    }
    this.keep();
    this.changed();
  }

  private numbers(): number[] {
    return [...this.chosen].map((seat) => this.hall.number[seat]!);
  }

  private read(): number[] {
    try {
      return JSON.parse(sessionStorage.getItem(this.kept) ?? "[]") as number[];
    } catch {
      return [];
    }
  }

  /** For the other pages of the list. */
  private keep(): void {
    try {
      sessionStorage.setItem(this.kept, JSON.stringify(this.numbers()));
    } catch {
      // A browser that keeps nothing forgets the choice with the page.
    }
  }

  // ---- Holding

  private async hold(): Promise<void> {
    if (this.holdButton.disabled || this.chosen.size === 0) return;
    this.setBusy(true);
    this.complaint.hidden = true;
    this.asked = new Set(this.chosen);
    try {
      const body = { concertId: this.terms.concert, userId: userId(), seatNumbers: this.numbers() };
      const order = await post<Order>("/api/v1/reservations", body, this.key);
      this.chosen.clear();
      this.keep();
      location.assign(`/orders/${order.orderId}`);
      return;
    } catch (error) {
      // What got no answer may have been done: the same key asks for the same again.
      if (error instanceof Refusal) this.refused(error);
      else this.complain(text("no-answer"));
    }
    this.setBusy(false);
  }

  private setBusy(isBusy: boolean): void {
    this.holdButton.disabled = isBusy;
    if (this.formButton) this.formButton.disabled = isBusy;
  }

  private refused({ problem, message }: Refusal): void {
    // The turn or the session is over: the page as it is now says so, and where to go.
    if (problem.code === "TOKEN_NOT_ACTIVE" || problem.code === "UNAUTHENTICATED") return location.reload();
    this.key = crypto.randomUUID();
    this.asked = new Set();
    const taken = [problem["seatNumbers"] ?? problem["seatNumber"] ?? []].flat().map(Number);
    for (const number of taken) {
      const seat = this.hall.seat(number);
      if (seat !== undefined) this.chosen.delete(seat);
    }
    // What others took while the answer was on its way.
    for (const seat of this.chosen) if (this.hall.state[seat] !== FREE) this.chosen.delete(seat);
    this.show();
    this.complain(message);
  }

  private complain(words: string): void {
    this.complaint.replaceChildren(make("p", {}, words));
    this.complaint.hidden = false;
    // Who chose in the list may be far below.
    this.complaint.scrollIntoView({ block: "nearest" });
  }

  private complainOfLost(seats: number[]): void {
    this.complain(text("lost", { seats: seats.map((seat) => seatName(this.hall, seat)).join("; ") }));
  }

  /** The states of these seats have changed: what others have taken is chosen no longer. */
  statesChanged(seats: number[]): void {
    const isLost = (seat: number) => this.chosen.has(seat) && !this.asked.has(seat) && this.hall.state[seat] !== FREE;
    const lost = seats.filter(isLost);
    for (const seat of lost) this.chosen.delete(seat);
    if (lost.length > 0) {
      this.key = crypto.randomUUID();
      this.complainOfLost(lost);
      this.show();
    }
    this.updateList(seats);
  }

  // ---- The list of the page

  private boxes(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>("#choose input[name=seat]")];
  }

  /** Ticking a seat in the list chooses it, and its button holds all that is chosen. */
  private followList(): void {
    document.getElementById("choose")?.addEventListener("change", (event) => {
      const box = event.target;
      if (!(box instanceof HTMLInputElement) || box.name !== "seat") return;
      const seat = this.hall.seat(Number(box.value));
      if (seat === undefined || this.chosen.has(seat) === box.checked) return;
      this.toggle(seat);
      box.checked = this.chosen.has(seat);
    });
    this.form?.addEventListener("submit", (event) => {
      // With nothing chosen, the server says so.
      if (this.chosen.size === 0) return;
      event.preventDefault();
      void this.hold();
    });
  }

  /** What is no longer free cannot be ticked. */
  private updateList(changed?: number[]): void {
    const numbers = changed && new Set(changed.map((seat) => String(this.hall.number[seat])));
    for (const box of this.boxes()) {
      if (numbers && !numbers.has(box.value)) continue;
      const seat = this.hall.seat(Number(box.value));
      const isFree = seat !== undefined && this.hall.state[seat] === FREE;
      box.disabled = !isFree;
      if (!isFree) box.checked = false;
      box.closest("label")?.classList.toggle("gone", !isFree);
    }
  }
}
