// The hall: a drawing to choose seats from, live; the list of the page stays beside it and goes along.

import { type Order, type Plan, type PlanDelta, type PlanState, Refusal, call, post } from "./rest";
import { runCountdowns } from "./countdown";
import { announce, make } from "./dom";
import { sendOnce } from "./forms";
import { Live } from "./live";
import { CHOOSE_PX, Painter, REST_MS, colours, drawShape, drawTick, letter } from "./paint";
import { BLOCKED, FREE, HELD, Hall, SOLD, bytes } from "./plan";
import { amount } from "./money";
import { text, userId } from "./session";
import { View } from "./view";

const STATE_TEXTS = ["state-free", "state-held", "state-sold", "state-blocked"];
/** How much one press of a zoom button or key changes. */
const ZOOM_STEP = 1.6;
const PAN_PX = 80;
/** Seats that the keys come to are drawn at least so large. */
const KEYS_PX = 18;
/** How long a new plan is waited for at most by chance, so that a crowd does not ask at once. */
const SPREAD_MS = 1_500;

class HallPage {
  private readonly concert: string;
  private readonly canHold: boolean;
  private readonly most: number;
  private readonly chosen = new Set<number>();
  private readonly stage = make("div", { class: "stage", tabindex: "0", role: "application" });
  private readonly canvas = make("canvas", { "aria-hidden": "true" });
  private readonly tip = make("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  private readonly note = make("p", { class: "quiet", id: "hall-note", role: "status" });
  private readonly basket = make("div", { class: "basket", hidden: "" });
  private readonly list = make("ul", { class: "chosen" });
  private readonly sum = make("p", { class: "sum" });
  private readonly holdButton = make("button", { type: "button", id: "hold" });
  private readonly complaint = make("div", { class: "trouble", role: "alert", hidden: "" });
  private cursor: number | null = null;
  private showsCursor = false;
  private key = crypto.randomUUID();
  /** The seats of a hold whose answer has not come: they may be held by now, by this very hold. */
  private asked: ReadonlySet<number> = new Set();
  private frame = 0;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private hall: Hall;
  private painter: Painter;
  private view: View;

  constructor(
    private readonly root: HTMLElement,
    plan: Plan,
    state: PlanState,
  ) {
    this.concert = root.dataset.concert ?? "";
    this.canHold = root.dataset.canHold === "true" && userId() !== null;
    this.most = Number(root.dataset.most ?? 0);
    this.hall = new Hall(plan);
    this.hall.setStates(bytes(state.state));
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
    this.followList();
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
    this.holdButton.addEventListener("click", () => void this.hold());
    this.basket.append(make("h3", {}, text("chosen")), this.list, this.sum, this.holdButton);
    const heading = make("h2", { id: "plan-title" }, text("plan"));
    const help = make("p", { class: "quiet", id: "hall-help" }, text(this.canHold ? "plan-help" : "plan-help-looking"));
    const front = make("p", { class: "front", "aria-hidden": "true" }, text("front"));
    const card = make("section", { class: "card hall", "aria-labelledby": "plan-title" });
    card.append(make("div", { class: "head" }, heading, tools), help, front, this.stage, this.legend(), this.note, this.complaint, this.basket);
    this.root.replaceChildren(card);
  }

  /** What shapes, letters and colours mean. */
  private legend(): HTMLElement {
    const entry = (draw: (context: CanvasRenderingContext2D) => void, words: string) => {
      const sign = make("canvas", { width: "36", height: "36", "aria-hidden": "true" });
      const context = sign.getContext("2d");
      if (context) draw(context);
      return make("li", {}, sign, words);
    };
    const palette = colours();
    const list = make("ul", { class: "legend", "aria-label": text("legend") });
    this.hall.prices.forEach((price, nth) => {
      const words = `${letter(nth)} · ${amount(price)}`;
      list.append(entry((context) => drawShape(context, FREE, 0, 0, 36, palette, nth, letter(nth)), words));
    });
    for (const state of [HELD, SOLD, BLOCKED]) {
      list.append(entry((context) => drawShape(context, state, 0, 0, 36, palette, 0, ""), text(STATE_TEXTS[state]!)));
    }
    if (this.canHold) list.append(entry((context) => drawTick(context, 18, 18, 30, palette), text("state-chosen")));
    return list;
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
        chosen: this.chosen,
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
    this.toggle(seat);
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
    else if ((event.key === "Enter" || event.key === " ") && this.cursor !== null) this.toggle(this.cursor);
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

  private name(seat: number): string {
    const row = this.hall.rows[this.hall.row[seat]!]!;
    const section = this.hall.sections[row.section]!.name;
    const parts = [section ?? "", row.name ? text("row", { row: row.name }) : "", text("seat", { number: this.hall.number[seat]! })];
    return parts.filter(Boolean).join(", ");
  }

  private describe(seat: number): string {
    const state = this.chosen.has(seat) ? text("state-chosen") : text(STATE_TEXTS[this.hall.state[seat]!]!);
    const marks = this.hall.marksOf(seat).map((mark) => text(`mark-${mark.toLowerCase().replaceAll("_", "-")}`).replace(/^mark-/, "").replaceAll("-", " "));
    return [this.name(seat), amount(this.hall.priceOf(seat)), state, ...marks].join(" · ");
  }

  // ---- Choosing and holding

  private toggle(seat: number): void {
    if (!this.canHold) return announce(`${this.describe(seat)}. ${text("not-your-turn")}`);
    if (this.chosen.has(seat)) this.chosen.delete(seat);
    else if (this.hall.state[seat] !== FREE) return announce(this.describe(seat));
    else if (this.chosen.size >= this.most) return this.complain(text("too-many", { count: this.most }));
    else this.chosen.add(seat);
    this.key = crypto.randomUUID();
    this.asked = new Set();
    this.complaint.hidden = true;
    this.showChosen();
    announce(`${this.describe(seat)}. ${text("chosen-count", { count: this.chosen.size })}`);
  }

  private showChosen(): void {
    const seats = [...this.chosen].sort((a, b) => a - b);
    this.basket.hidden = seats.length === 0;
    this.list.replaceChildren(
      ...seats.map((seat) => {
        const remove = make("button", { type: "button", class: "link", "aria-label": text("remove", { seat: this.name(seat) }) }, "✕");
        remove.addEventListener("click", () => {
          this.toggle(seat);
          (this.list.querySelector("button") ?? this.stage).focus();
        });
        return make("li", {}, make("span", {}, this.name(seat)), make("span", { class: "number" }, amount(this.hall.priceOf(seat))), remove);
      }),
    );
    this.sum.textContent = amount(seats.reduce((sum, seat) => sum + this.hall.priceOf(seat), 0));
    this.holdButton.textContent = text("hold-count", { count: seats.length });
    for (const box of document.querySelectorAll<HTMLInputElement>("#choose input[name=seat]")) {
      const seat = this.hall.seat(Number(box.value));
      if (seat !== undefined) box.checked = this.chosen.has(seat);
    }
    this.draw();
  }

  private async hold(): Promise<void> {
    if (this.holdButton.disabled || this.chosen.size === 0) return;
    this.holdButton.disabled = true;
    this.complaint.hidden = true;
    this.asked = new Set(this.chosen);
    const seatNumbers = [...this.chosen].map((seat) => this.hall.number[seat]!);
    try {
      const body = { concertId: this.concert, userId: userId(), seatNumbers };
      const order = await post<Order>("/api/v1/reservations", body, this.key);
      location.assign(`/orders/${order.orderId}`);
      return;
    } catch (error) {
      // What got no answer may have been done: the same key asks for the same again.
      if (error instanceof Refusal) this.refused(error);
      else this.complain(text("no-answer"));
    }
    this.holdButton.disabled = false;
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
    this.showChosen();
    this.complain(message);
  }

  private complain(words: string): void {
    this.complaint.replaceChildren(make("p", {}, words));
    this.complaint.hidden = false;
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
    const isLost = (seat: number) => this.chosen.has(seat) && !this.asked.has(seat) && this.hall.state[seat] !== FREE;
    const lost = seats.filter(isLost);
    for (const seat of lost) this.chosen.delete(seat);
    if (lost.length > 0) {
      this.key = crypto.randomUUID();
      this.complain(text("lost", { seats: lost.map((seat) => this.name(seat)).join("; ") }));
      this.showChosen();
    }
    this.updateList(seats);
    this.draw();
  }

  /** Another plan: seats were added, or prices have changed. */
  takePlan(plan: Plan, state: PlanState): void {
    const numbers = [...this.chosen].map((seat) => this.hall.number[seat]!);
    const cursor = this.cursor === null ? undefined : this.hall.number[this.cursor];
    this.hall = new Hall(plan);
    // Seats have other places in it.
    this.asked = new Set();
    this.hall.setStates(bytes(state.state));
    const seats = numbers.map((number) => this.hall.seat(number));
    this.chosen.clear();
    for (const seat of seats) if (seat !== undefined && this.hall.state[seat] === FREE) this.chosen.add(seat);
    this.cursor = (cursor === undefined ? undefined : this.hall.seat(cursor)) ?? null;
    this.freeCounts.clear();
    this.painter = new Painter(this.canvas, this.hall);
    this.root.querySelector(".legend")?.replaceWith(this.legend());
    this.view.showing(this.hall.box, this.hall.spacing);
    this.showChosen();
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

  // ---- The list of the page

  /** Ticking a seat in the list chooses it here, and the other way round. */
  private followList(): void {
    document.getElementById("choose")?.addEventListener("change", (event) => {
      const box = event.target;
      if (!(box instanceof HTMLInputElement) || box.name !== "seat") return;
      const seat = this.hall.seat(Number(box.value));
      if (seat === undefined || this.chosen.has(seat) === box.checked) return;
      this.toggle(seat);
      box.checked = this.chosen.has(seat);
    });
    this.updateList();
  }

  /** What is no longer free cannot be ticked. */
  private updateList(changed?: number[]): void {
    const numbers = changed && new Set(changed.map((seat) => String(this.hall.number[seat])));
    for (const box of document.querySelectorAll<HTMLInputElement>("#choose input[name=seat]")) {
      if (numbers && !numbers.has(box.value)) continue;
      const seat = this.hall.seat(Number(box.value));
      const isFree = seat !== undefined && this.hall.state[seat] === FREE;
      box.disabled = !isFree;
      if (!isFree) box.checked = false;
      box.closest("label")?.classList.toggle("gone", !isFree);
    }
    for (const cell of document.querySelectorAll<HTMLElement>("#choose [data-free-of]")) {
      const nth = this.hall.sections.findIndex((section) => (section.name ?? "") === cell.dataset.freeOf);
      if (nth >= 0) cell.textContent = String(this.free(nth));
    }
  }
}

async function begin(root: HTMLElement): Promise<void> {
  const path = `/api/v1/reservations/${root.dataset.concert}/plan`;
  const readState = () => call<PlanState>(`${path}/state`, { headers: { Accept: "application/json" } });
  const readPlan = (version: number) => call<Plan>(`${path}?version=${version}`);
  const state = await readState();
  const page = new HallPage(root, await readPlan(state.version), state);
  const live: Live = new Live(`${path}/state`, {
    state: async (state) => {
      if (page.takeState(state)) return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * SPREAD_MS));
      const newest = await readState();
      page.takePlan(await readPlan(newest.version), newest);
      live.restart();
    },
    delta: (delta) => (delta.version === page.version ? page.takeDelta(delta) : live.restart()),
    sure: (isSure) => page.sayHowSure(isSure),
  });
}

sendOnce();
runCountdowns(() => location.reload());
const root = document.getElementById("hall");
if (root) {
  begin(root).catch(() => {
    root.replaceChildren(make("p", { class: "notice" }, text("no-plan")));
  });
}
