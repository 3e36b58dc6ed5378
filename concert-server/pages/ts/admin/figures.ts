// The evening in figures, live.

import uPlot from "uplot";
import { make } from "../dom";
import type { Desk, Sale } from "./desk";
import { type Line, buckets, by, parse, quantile } from "./metrics";
import { complain, hide, number, part, tell, word } from "./page";

const EVERY_MS = 3_000;
/** How many readings are shown: an hour. */
const MOST_READINGS = 1_200;
const HEIGHT_PX = 190;
const ROUTES = { join: "/api/v1/tokens", hold: "/api/v1/reservations", pay: "/api/v1/payments/process" } as const;
/** The places of colours in the page's style. */
const COLOURS = ["--plot-1", "--plot-2", "--plot-3"];

interface Figures {
  concerts: { concertName: string; seats: number; free: number; held: number; sold: number; blocked: number }[];
  holds: number;
  payments: number;
  revenue: number;
}

interface Reading {
  at: number;
  joined: number;
  admitted: number;
  waiting: number;
  active: number;
  held: number;
  sold: number;
  revenue: number;
  refusals: Map<string, number>;
  latencies: Record<keyof typeof ROUTES, Map<number, number>>;
}

/** A plot: its name, and one line for each word, of the last two readings. */
interface Chart {
  id: string;
  lines: string[];
  values(now: Reading, before: Reading): (number | null)[];
}

const perSecond = (now: Reading, before: Reading, of: (reading: Reading) => number) =>
  Math.max(0, of(now) - of(before)) / Math.max((now.at - before.at) / 1e3, 0.001);
const sum = (counts: Map<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);

const CHARTS: Chart[] = [
  { id: "queue", lines: ["waiting", "inside"], values: (now) => [now.waiting, now.active] },
  {
    id: "flow",
    lines: ["joined", "let-in"],
    values: (now, before) => [perSecond(now, before, (r) => r.joined), perSecond(now, before, (r) => r.admitted)],
  },
  { id: "seats", lines: ["held", "sold"], values: (now) => [now.held, now.sold] },
  { id: "revenue", lines: ["revenue"], values: (now) => [now.revenue] },
  { id: "refusals", lines: ["refusals"], values: (now, before) => [perSecond(now, before, (r) => sum(r.refusals))] },
  {
    id: "latency",
    lines: ["join", "hold", "pay"],
    values: (now, before) =>
      (["join", "hold", "pay"] as const).map((route) => quantile(before.latencies[route], now.latencies[route], 0.99)),
  },
];

class Plot {
  private readonly data: (number | null)[][];
  private readonly plot: uPlot;

  constructor(
    private readonly chart: Chart,
    private readonly place: HTMLElement,
  ) {
    this.data = [[], ...chart.lines.map(() => [])];
    this.plot = this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: HEIGHT_PX })).observe(place);
  }

  private width(): number {
    return Math.max(this.place.clientWidth, 240);
  }

  private draw(): uPlot {
    const colour = (name: string) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const series = this.chart.lines.map((line, nth) => ({
      label: word(line),
      stroke: colour(COLOURS[nth]!),
      width: 2,
      // Whoever does not tell colours apart sees other dashes.
      dash: [[], [6, 4], [2, 3]][nth]!,
      spanGaps: true,
      value: (_: uPlot, value: number | null) => (value === null ? "–" : number(value, 1)),
    }));
    const values = (_: uPlot, ticks: number[]) => ticks.map((tick) => number(tick, 2));
    const clock = (at: number) => new Date(at * 1e3).toLocaleTimeString(document.documentElement.lang);
    const times = (_: uPlot, ticks: number[]) => ticks.map(clock);
    const options: uPlot.Options = {
      width: this.width(),
      height: HEIGHT_PX,
      series: [{ label: word("time"), value: (_: uPlot, at: number | null) => (at ? clock(at) : "–") }, ...series],
      axes: [{ ...axis, values: times, space: 90 }, { ...axis, values, size: 64 }],
      scales: { y: { range: (_: uPlot, __: number, most: number) => [0, Math.max(most * 1.1, 1)] } },
      cursor: { drag: { x: false, y: false } },
    };
    return new uPlot(options, this.data as uPlot.AlignedData, this.place);
  }

  add(now: Reading, before: Reading): void {
    const values = this.chart.values(now, before);
    [now.at / 1e3, ...values].forEach((value, nth) => {
      this.data[nth]!.push(value);
      if (this.data[nth]!.length > MOST_READINGS) this.data[nth]!.shift();
    });
    this.plot.setData(this.data as uPlot.AlignedData);
    // The same for those who do not see the drawing.
    const said = this.chart.lines.map((line, nth) => `${word(line)} ${values[nth] === null ? "–" : number(values[nth]!, 1)}`);
    part(`said-${this.chart.id}`).textContent = said.join(" · ");
  }
}

async function read(desk: Desk): Promise<{ reading: Reading; figures: Figures }> {
  const [sales, figures, metrics] = await Promise.all([
    desk.get<Sale[]>("/sales"),
    desk.get<Figures>("/figures"),
    desk.ask("/metrics").then((response) => response.text()),
  ]);
  const lines: Line[] = parse(metrics);
  const total = (name: string) => sum(by(lines, name, "sale"));
  const of = (route: keyof typeof ROUTES) => buckets(lines, ROUTES[route]);
  const seats = (what: "held" | "sold") => figures.concerts.reduce((all, concert) => all + concert[what], 0);
  const reading = {
    at: Date.now(),
    joined: total("concert_queue_joined"),
    admitted: total("concert_queue_joined") - total("concert_queue_waiting") - total("concert_queue_departed"),
    waiting: sales.reduce((all, sale) => all + sale.waiting, 0),
    active: sales.reduce((all, sale) => all + sale.active, 0),
    held: seats("held"),
    sold: seats("sold"),
    revenue: figures.revenue,
    refusals: by(lines, "concert_refusals_total", "code"),
    latencies: { join: of("join"), hold: of("hold"), pay: of("pay") },
  };
  return { reading, figures };
}

function showTiles(now: Reading, figures: Figures): void {
  const values = { waiting: now.waiting, inside: now.active, held: now.held, sold: now.sold, payments: figures.payments, revenue: now.revenue };
  for (const [id, value] of Object.entries(values)) part(`tile-${id}`).textContent = number(value, 2);
}

function showConcerts(figures: Figures): void {
  const rows = figures.concerts.map(({ concertName, seats, free, held, sold, blocked }) =>
    make("tr", {}, make("th", { scope: "row" }, concertName), ...[seats, free, held, sold, blocked].map((count) => make("td", {}, number(count)))),
  );
  part("concert-rows").replaceChildren(...rows);
}

function showRefusals(now: Reading): void {
  const counted = [...now.refusals].sort(([, a], [, b]) => b - a);
  const rows = counted.map(([code, count]) => make("tr", {}, make("th", { scope: "row" }, code), make("td", {}, number(count))));
  part("refusal-rows").replaceChildren(...rows);
}

export function showFigures(desk: Desk): void {
  const plots = CHARTS.map((chart) => new Plot(chart, part(`plot-${chart.id}`)));
  let before: Reading | null = null;
  const look = async () => {
    // A page that nobody looks at asks nothing.
    if (document.hidden || part("part-figures").hidden) return;
    try {
      const { reading, figures } = await read(desk);
      hide("figures-trouble");
      showTiles(reading, figures);
      showConcerts(figures);
      showRefusals(reading);
      for (const plot of plots) plot.add(reading, before ?? reading);
      before = reading;
      tell("figures-at", word("as-of", { time: new Date(reading.at).toLocaleTimeString(document.documentElement.lang) }));
    } catch (error) {
      complain("figures-trouble", error);
    }
  };
  void look();
  setInterval(() => void look(), EVERY_MS);
}
