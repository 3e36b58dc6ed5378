// A hall: who has what, seats off sale, and calling a concert off.

import { make } from "../dom";
import { CHOOSE_PX, Painter, REST_MS } from "../paint";
import { Hall, bytes } from "../plan";
import type { Plan, PlanState } from "../rest";
import { View } from "../view";
import type { Desk } from "./desk";
import { choice, complain, field, hide, moment, number, onSubmit, part, tell, word } from "./page";
import { offerRefund } from "./refunds";

const STATES_EVERY_MS = 3_000;
const PROGRESS_EVERY_MS = 500;
const MOST_CONCERTS = 100;
/** Pixels between neighbours when a seat is looked for. */
const CLOSE_PX = 20;

interface Concert {
  concertId: string;
  name: string;
  date: string;
  status: string;
}

interface Explanation {
  subject: string;
  now: string;
  events: { at: string; what: string }[];
  next: string[];
}

interface Cancellation {
  status: string;
  payments: number;
  refunded: number;
  amount: number;
  amountRefunded: number;
  holds: number;
  holdsReleased: number;
  done: boolean;
}

/** `1-3, 7` as numbers. */
export function seatNumbers(text: string): number[] {
  const numbers = new Set<number>();
  for (const piece of text.split(/[\s,]+/).filter(Boolean)) {
    const found = /^(\d+)(?:-(\d+))?$/.exec(piece);
    if (!found) throw new RangeError(piece);
    const [from, to] = [Number(found[1]), Number(found[2] ?? found[1])];
    for (let seat = from; seat <= Math.min(to, from + 10_000); seat++) numbers.add(seat);
  }
  return [...numbers];
}

/** The drawing: the same as buyers have, with every seat to be asked about. */
class Drawing {
  private readonly canvas = make("canvas", { "aria-hidden": "true" });
  private readonly painter: Painter;
  private readonly view: View;
  private frame = 0;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private readonly sizes = new ResizeObserver(() => this.resize());
  readonly chosen = new Set<number>();

  constructor(
    private readonly stage: HTMLElement,
    readonly hall: Hall,
    clicked: (seat: number) => void,
  ) {
    stage.replaceChildren(this.canvas);
    this.painter = new Painter(this.canvas, hall);
    // The canvas is this drawing's own, the stage is the next one's, too: it must not hear clicks twice.
    this.view = new View(this.canvas, hall.box, hall.spacing, {
      moved: () => this.draw(),
      clicked: (x, y) => this.click(x, y, clicked),
      hovered: () => {},
      left: () => {},
    });
    this.sizes.observe(stage);
    this.resize();
  }

  /** Another drawing takes the place of this one. */
  close(): void {
    this.sizes.disconnect();
    clearTimeout(this.rest);
  }

  private click(sx: number, sy: number, clicked: (seat: number) => void): void {
    const [x, y] = this.view.toPlan(sx, sy);
    if (this.view.px() < CHOOSE_PX) return this.view.reveal(x, y, CLOSE_PX);
    const seat = this.hall.seatAt(x, y, this.hall.spacing * 0.6);
    if (seat !== null) clicked(seat);
  }

  private resize(): void {
    const [width, height, ratio] = [this.stage.clientWidth, this.stage.clientHeight, devicePixelRatio];
    if (width < 2 || height < 2) return;
    [this.canvas.width, this.canvas.height] = [width * ratio, height * ratio];
    this.view.resize(width, height);
    this.draw();
  }

  draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const label = (section: number) => {
        const { name, from, to } = this.hall.sections[section]!;
        return `${name ?? ""} ${this.hall.freeIn({ from, to })}/${to - from}`.trim();
      };
      this.painter.paint(this.view, { chosen: this.chosen, cursor: null, label });
    });
    // While it moves it is drawn more coarsely: once more when it rests.
    clearTimeout(this.rest);
    if (performance.now() - this.view.movedAt < REST_MS) this.rest = setTimeout(() => this.draw(), REST_MS + 20);
  }

  states(state: PlanState): void {
    const changed = this.hall.setStates(bytes(state.state));
    if (changed.length === 0) return;
    this.painter.touch(new Set(changed.map((seat) => this.hall.rows[this.hall.row[seat]!]!.section)));
    this.draw();
  }

  choose(numbers: number[]): void {
    this.chosen.clear();
    for (const seat of numbers) {
      const found = this.hall.seat(seat);
      if (found !== undefined) this.chosen.add(found);
    }
    this.draw();
  }
}

class HallDesk {
  private drawing: Drawing | null = null;

  constructor(private readonly desk: Desk) {
    part("concert").addEventListener("change", () => void this.open());
    part("seats").addEventListener("input", () => this.mark());
    onSubmit("seats-form", "seats-trouble", (event) => this.change(event));
    onSubmit("cancel-form", "cancel-trouble", (event) => this.cancel(event));
    setInterval(() => void this.refresh(), STATES_EVERY_MS);
    void this.load();
  }

  private get concert(): string {
    return choice("concert").value;
  }

  private async load(): Promise<void> {
    try {
      const { data } = await this.desk.get<{ data: Concert[] }>(`/concerts?limit=${MOST_CONCERTS}`);
      const options = data.map(({ concertId, name, date, status }) =>
        make("option", { value: concertId }, `${name}, ${date}${status === "ON_SALE" ? "" : ` (${word(`status-${status}`)})`}`),
      );
      choice("concert").replaceChildren(...options);
      await this.open();
    } catch (error) {
      complain("seats-trouble", error);
    }
  }

  private async open(): Promise<void> {
    if (!this.concert) return;
    hide("seats-trouble", "seats-done", "cancel-trouble", "cancel-done", "explanation", "cancel-progress");
    field("call-off").disabled = true;
    field("seats").value = "";
    const asked = this.concert;
    try {
      const plan = (await (await this.desk.ask(`/api/v1/reservations/${asked}/plan`)).json()) as Plan;
      // Another one was chosen while this one was on its way.
      if (asked !== this.concert) return;
      this.drawing?.close();
      this.drawing = new Drawing(part("stage"), new Hall(plan), (seat) => this.clicked(seat));
      await this.refresh();
    } catch (error) {
      complain("seats-trouble", error);
    }
  }

  private async refresh(): Promise<void> {
    const drawing = this.drawing;
    if (!drawing || document.hidden || part("part-halls").hidden) return;
    const path = `/api/v1/reservations/${this.concert}/plan/state`;
    const json = { Accept: "application/json" };
    const state = await this.desk.ask(path, {}, json).then((response) => response.json() as Promise<PlanState>).catch(() => null);
    if (state && drawing === this.drawing) drawing.states(state);
  }

  private clicked(seat: number): void {
    const drawing = this.drawing!;
    const numbers = new Set(this.numbers() ?? []);
    const asked = drawing.hall.number[seat]!;
    if (!numbers.delete(asked)) numbers.add(asked);
    field("seats").value = [...numbers].sort((a, b) => a - b).join(", ");
    this.mark();
    void this.explain(asked);
  }

  /** What stands in the field; `null`: it cannot be read. */
  private numbers(): number[] | null {
    try {
      return seatNumbers(field("seats").value);
    } catch {
      return null;
    }
  }

  private mark(): void {
    const numbers = this.numbers();
    if (numbers) this.drawing?.choose(numbers);
  }

  /** What has happened to a seat, and who has it. */
  private async explain(seat = this.numbers()?.[0]): Promise<void> {
    if (!seat) return tell("seats-trouble", word("which-seats"));
    hide("seats-trouble");
    try {
      const found = await this.desk.get<Explanation>(`/explain/seat/${this.concert}/${seat}`);
      const { data } = await this.desk.get<{ data: { reservationId: string | null; status: string; username: string | null }[] }>(
        `/concerts/${this.concert}/seats?limit=1${seat > 1 ? `&startingAfter=${seat - 1}` : ""}`,
      );
      part("explanation-subject").textContent = found.subject;
      part("explanation-now").textContent = found.now;
      const owner = data[0]?.username;
      part("explanation-owner").hidden = !owner;
      part("explanation-owner").textContent = owner ? word("seat-of", { name: owner }) : "";
      part("explanation-events").replaceChildren(...found.events.map(({ at, what }) => make("li", {}, make("time", { datetime: at }, moment(at)), ` ${what}`)));
      part("explanation-next").replaceChildren(...found.next.map((next) => make("li", {}, next)));
      const sold = data[0]?.status === "SOLD" ? data[0].reservationId : null;
      part("to-refund").hidden = !sold;
      part("to-refund").onclick = () => sold && void offerRefund(this.desk, sold);
      part("explanation").hidden = false;
    } catch (error) {
      complain("seats-trouble", error);
    }
  }

  /** Enter presses the first button of the form, which changes nothing. */
  private async change(event: SubmitEvent): Promise<void> {
    const act = (event.submitter as HTMLButtonElement).value;
    if (act === "explain") return this.explain();
    const numbers = this.numbers();
    if (!numbers || numbers.length === 0) return tell("seats-trouble", word("which-seats"));
    hide("seats-done");
    const body = act === "block" ? { seatNumbers: numbers, reason: field("seats-reason").value } : { seatNumbers: numbers };
    const path = `/concerts/${this.concert}/seats/${act}`;
    const done = await this.desk.send<{ changed: unknown[] | number; refused: { seatNumber: number; code: string }[] }>("POST", path, body);
    const changed = Array.isArray(done.changed) ? done.changed.length : done.changed;
    const refused = done.refused.map(({ seatNumber, code }) => `${seatNumber} ${code}`).join(", ");
    tell("seats-done", word("seats-changed", { changed: number(changed), refused: refused || "–" }));
    await this.refresh();
  }

  /** First a dry run, whose sum is shown; only then can it be done. */
  private async cancel(event: SubmitEvent): Promise<void> {
    const isDryRun = (event.submitter as HTMLButtonElement).value === "dry";
    const asked = this.concert;
    const path = `/concerts/${asked}/cancel`;
    let found = await this.desk.send<Cancellation>("POST", path, { reason: field("cancel-reason").value, dryRun: isDryRun });
    if (isDryRun) {
      // Another one was chosen meanwhile: what would happen to the first says nothing about it.
      if (asked !== this.concert) return;
      field("call-off").disabled = false;
      const values = { payments: number(found.payments - found.refunded), amount: number(found.amount - found.amountRefunded, 2), holds: number(found.holds) };
      return tell("cancel-done", word("would-cancel", values));
    }
    field("call-off").disabled = true;
    const progress = part("cancel-progress") as HTMLProgressElement;
    progress.hidden = false;
    for (;;) {
      [progress.max, progress.value] = [Math.max(found.payments, 1), found.payments ? found.refunded : Number(found.done)];
      const values = { refunded: number(found.refunded), payments: number(found.payments), amount: number(found.amountRefunded, 2) };
      tell("cancel-done", word(found.done ? "cancelled" : "cancelling", values));
      if (found.done) break;
      await new Promise((resolve) => setTimeout(resolve, PROGRESS_EVERY_MS));
      found = await this.desk.get<Cancellation>(path);
    }
    await this.refresh();
  }
}

export function showHalls(desk: Desk): void {
  new HallDesk(desk);
}
