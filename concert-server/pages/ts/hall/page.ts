// The drawing of the hall: what is seen of it, and pointers and keys that choose from it.

import { announce, make } from "../dom";
import { amount } from "../money";
import { CHOOSE_PX, Painter, REST_MS } from "../paint";
import { FREE, Hall, bytes } from "../plan";
import type { Plan, PlanDelta, PlanState } from "../rest";
import { text, userId } from "../session";
import { View } from "../view";
import { Basket } from "./basket";
import { legendOf } from "./legend";
import { describe } from "./words";

/** How much one press of a zoom button or key changes. */
const ZOOM_STEP = 1.6;
const PAN_PX = 80;
/** Seats that the keys come to are drawn at least so large. */
const KEYS_PX = 18;

export class HallPage {
  private readonly canHold: boolean;
  private readonly stage = make("div", { class: "stage", tabindex: "0", role: "application" });
  private readonly canvas = make("canvas", { "aria-hidden": "true" });
  private readonly tip = make("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  private readonly note = make("p", { class: "quiet", id: "hall-note", role: "status" });
  private cursor: number | null = null;
  private showsCursor = false;
  private frame = 0;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private hall: Hall;
  private painter: Painter;
  private view: View;
  private readonly basket: Basket;

  constructor(
    private readonly root: HTMLElement,
    plan: Plan,
    state: PlanState,
  ) {
    this.canHold = root.dataset.canHold === "true" && userId() !== null;
    this.hall = new Hall(plan);
    this.hall.setStates(bytes(state.state));
    const terms = { concert: root.dataset.concert ?? "", canHold: this.canHold, most: Number(root.dataset.most ?? 0) };
    this.basket = new Basket(terms, this.hall, () => this.draw(), () => this.stage.focus());
    this.build();
    this.painter = new Painter(this.canvas, this.hall);
    this.view = this.look();
    this.stage.addEventListener("keydown", (event) => this.pressed(event));
    this.stage.addEventListener("focus", () => this.focused());
    this.stage.addEventListener("blur", () => this.markCursor(false));
    new ResizeObserver(() => this.resize()).observe(this.stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.painter.recolour();
      this.draw();
    });
    this.basket.restore();
    this.updateCounts();
    this.resize();
  }

  private look(): View {
    return new View(this.stage, this.hall.box, this.hall.spacing, {
      moved: () => this.draw(),
      clicked: (x, y) => this.clicked(x, y),
      hovered: (x, y) => this.hovered(x, y),
      left: () => (this.tip.hidden = true),
    });
  }

  private build(): void {
    const button = (id: string, face: string, act: () => void) => {
      const made = make("button", { type: "button", class: "second", "aria-label": text(id), title: text(id) }, face);
      made.addEventListener("click", act);
      return made;
    };
    const tools = make(
      "div",
      { class: "tools", role: "group", "aria-label": text("view") },
      button("zoom-in", "+", () => this.zoom(ZOOM_STEP)),
      button("zoom-out", "−", () => this.zoom(1 / ZOOM_STEP)),
      button("whole-hall", "⤢", () => this.view.showAll(true)),
    );
    this.stage.setAttribute("aria-label", text("plan"));
    this.stage.setAttribute("aria-describedby", "hall-help");
    this.stage.append(this.canvas, this.tip);
    const heading = make("h2", { id: "plan-title" }, text("plan"));
    // Phones have no keys.
    const keys = make("span", { class: "keys" }, ` ${text(this.canHold ? "plan-keys" : "plan-keys-looking")}`);
    const help = make("p", { class: "quiet", id: "hall-help" }, text(this.canHold ? "plan-help" : "plan-help-looking"), keys);
    const front = make("p", { class: "front", "aria-hidden": "true" }, text("front"));
    const card = make("section", { class: "card hall", "aria-labelledby": "plan-title" });
    card.append(make("div", { class: "head" }, heading, tools), help, front, this.stage, legendOf(this.hall, this.canHold), this.note, this.basket.complaint, this.basket.element);
    this.root.replaceChildren(card);
  }

  // ---- Drawing

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.view.resize(width, height);
  }

  private draw(): void {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.draw(), REST_MS + 20);
    if (performance.now() - (this.view?.movedAt ?? 0) >= REST_MS) clearTimeout(this.rest);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.painter.paint(this.view, {
        chosen: this.basket.chosen,
        cursor: this.showsCursor ? this.cursor : null,
        label: (section) => this.label(section),
      });
      if (!this.stage.dataset.drawn) {
        this.stage.dataset.drawn = "yes";
        performance.mark("hall-drawn");
      }
    });
  }

  private label(nth: number): string {
    const section = this.hall.sections[nth]!;
    const [least, most] = section.prices;
    const price = least === most ? amount(least) : text("from", { price: amount(least) });
    const free = text("free-short", { count: this.free(nth) });
    return section.name ? `${section.name}\n${free} · ${price}` : `${free} · ${price}`;
  }

  private readonly freeCounts = new Map<number, number>();

  private free(section: number): number {
    let count = this.freeCounts.get(section);
    if (count === undefined) this.freeCounts.set(section, (count = this.hall.freeIn(this.hall.sections[section]!)));
    return count;
  }

  // ---- Pointing and keys

  private reach(): number {
    return this.hall.spacing * 0.75;
  }

  private clicked(sx: number, sy: number): void {
    const [x, y] = this.view.toPlan(sx, sy);
    const seat = this.hall.seatAt(x, y, this.view.px() < CHOOSE_PX ? this.hall.spacing * 3 : this.reach());
    if (seat === null) return;
    this.cursor = seat;
    if (this.view.px() < CHOOSE_PX) {
      const { box } = this.hall.sectionOf(seat);
      // A section that is larger than what can be told apart is entered where it was touched.
      const scale = Math.min(this.view.width / (box.right - box.left + 40), this.view.height / (box.bottom - box.top + 40));
      if (scale * this.hall.spacing >= CHOOSE_PX) this.view.show(box);
      else this.view.reveal(x, y, CHOOSE_PX * 1.5);
      return;
    }
    this.basket.toggle(seat);
  }

  private hovered(sx: number, sy: number): void {
    const [x, y] = this.view.toPlan(sx, sy);
    const seat = this.view.px() < 5 ? null : this.hall.seatAt(x, y, this.reach());
    this.tip.hidden = seat === null;
    this.stage.classList.toggle("over", seat !== null);
    if (seat === null) return;
    this.tip.textContent = this.describe(seat);
    const room = this.view.width - this.tip.offsetWidth - 8;
    this.tip.style.left = `${Math.max(8, Math.min(sx + 14, room))}px`;
    this.tip.style.top = `${sy > this.view.height - 70 ? sy - 48 : sy + 18}px`;
  }

  private focused(): void {
    if (!this.stage.matches(":focus-visible")) return;
    this.markCursor(true);
    if (this.cursor === null) {
      this.cursor = this.firstFree();
      this.draw();
    }
    if (this.cursor !== null) announce(this.describe(this.cursor));
  }

  private firstFree(): number {
    const free = this.hall.state.indexOf(FREE);
    return free < 0 ? 0 : free;
  }

  private markCursor(shown: boolean): void {
    this.showsCursor = shown;
    this.draw();
  }

  private pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    if (arrow && event.shiftKey) this.view.pan(-arrow[0] * PAN_PX, -arrow[1] * PAN_PX);
    else if (arrow) this.step(...arrow);
    else if (event.key === "PageDown" || event.key === "PageUp") this.jump(event.key === "PageDown" ? 1 : -1);
    else if (event.key === "+" || event.key === "=") this.zoom(ZOOM_STEP);
    else if (event.key === "-") this.zoom(1 / ZOOM_STEP);
    else if (event.key === "0" || event.key === "Home") this.view.showAll(true);
    else if ((event.key === "Enter" || event.key === " ") && this.cursor !== null) this.basket.toggle(this.cursor);
    else return;
    event.preventDefault();
  }

  /** Comes closer to the seat under the keys, or else to the one nearest the middle: the middle of a stadium has none. */
  private zoom(factor: number): void {
    const middle = this.view.toPlan(this.view.width / 2, this.view.height / 2);
    const seat = this.showsCursor ? this.cursor : this.hall.seatAt(...middle, Infinity);
    if (seat === null) this.view.zoom(factor);
    else this.view.zoom(factor, ...this.view.toScreen(this.hall.x[seat]!, this.hall.y[seat]!));
  }

  private step(dx: number, dy: number): void {
    this.comeTo(this.cursor === null ? this.firstFree() : (this.hall.beside(this.cursor, dx, dy) ?? this.cursor));
  }

  /** To the next section that has a free seat, and that seat. */
  private jump(direction: number): void {
    const { sections, rows, row } = this.hall;
    const here = this.cursor === null ? -1 : rows[row[this.cursor]!]!.section;
    for (let nth = 1; nth <= sections.length; nth++) {
      const at = (here + direction * nth + sections.length * nth) % sections.length;
      if (this.free(at) === 0) continue;
      const seat = this.hall.state.indexOf(FREE, sections[at]!.from);
      return this.comeTo(seat);
    }
  }

  private comeTo(seat: number): void {
    this.cursor = seat;
    this.showsCursor = true;
    this.view.reveal(this.hall.x[seat]!, this.hall.y[seat]!, KEYS_PX);
    this.draw();
    announce(this.describe(seat));
  }

  private describe(seat: number): string {
    return describe(this.hall, seat, this.basket.chosen.has(seat));
  }

  // ---- What changes

  /** Takes over all states; returns whether the plan has these seats. */
  takeState(state: PlanState): boolean {
    if (state.version !== this.hall.version) return false;
    this.changed(this.hall.setStates(bytes(state.state)));
    return true;
  }

  takeDelta(delta: PlanDelta): void {
    const seats: number[] = [];
    const lists = [delta.free, delta.held, delta.sold, delta.blocked];
    lists.forEach((list, state) => {
      for (const seat of list ?? []) {
        if (seat >= this.hall.seats) continue;
        this.hall.state[seat] = state;
        seats.push(seat);
      }
    });
    this.changed(seats);
  }

  private changed(seats: number[]): void {
    if (seats.length === 0) return;
    const sections = new Set(seats.map((seat) => this.hall.rows[this.hall.row[seat]!]!.section));
    this.painter.touch(sections);
    for (const section of sections) this.freeCounts.delete(section);
    this.basket.statesChanged(seats);
    this.updateCounts();
    this.draw();
  }

  /** Another plan: seats were added, or prices have changed. */
  takePlan(plan: Plan, state: PlanState): void {
    const cursor = this.cursor === null ? undefined : this.hall.number[this.cursor];
    this.hall = new Hall(plan);
    this.hall.setStates(bytes(state.state));
    this.cursor = (cursor === undefined ? undefined : this.hall.seat(cursor)) ?? null;
    this.freeCounts.clear();
    this.painter = new Painter(this.canvas, this.hall);
    this.root.querySelector(".legend")?.replaceWith(legendOf(this.hall, this.canHold));
    this.view.showing(this.hall.box, this.hall.spacing);
    this.basket.moveTo(this.hall);
    this.updateCounts();
    announce(text("new-plan"));
  }

  get version(): number {
    return this.hall.version;
  }

  sayHowSure(isSure: boolean): void {
    const words = isSure ? text("plan-live") : text("plan-unsure");
    if (this.note.textContent !== words) this.note.textContent = words;
    this.note.classList.toggle("unsure", !isSure);
  }

  /** How many seats are free, in the list of the page. */
  private updateCounts(): void {
    for (const cell of document.querySelectorAll<HTMLElement>("#choose [data-free-of]")) {
      const nth = this.hall.sections.findIndex((section) => (section.name ?? "") === cell.dataset.freeOf);
      if (nth >= 0) cell.textContent = String(this.free(nth));
    }
  }
}
