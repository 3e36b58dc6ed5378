// Paints the hall. From afar, each section is a picture that was made before; seats are drawn one by one only where few are in view.

import { BLOCKED, type Box, FREE, HELD, type Hall, SOLD } from "./plan";
import { CLASSES, colours, drawShape, drawTick, letter } from "./shapes";
import type { View } from "./view";

/** Pixels between neighbours in the pictures of sections: the smallest one that is fine enough is used. */
const LEVELS = [1, 2, 4, 8, 16];
/** The most pixels of all pictures together. */
const MOST_PIXELS = 24_000_000;
/** The most seats that are drawn one by one: in rest, and while the view moves. */
const MOST_DRAWN = 6_000;
const MOST_DRAWN_MOVING = 2_500;
/** From here on, in pixels between neighbours: seats can be told apart and chosen, have letters, have numbers. */
export const CHOOSE_PX = 11;
const LETTER_PX = 17;
const NUMBER_PX = 26;
/** The view rests when it has not moved for this long. */
export const REST_MS = 140;

interface Picture {
  level: number;
  canvas: HTMLCanvasElement;
  stale: boolean;
  used: number;
}

/** What is drawn over the seats. */
export interface Overlay {
  chosen: ReadonlySet<number>;
  cursor: number | null;
  label(section: number): string;
}

export class Painter {
  private readonly context: CanvasRenderingContext2D;
  private readonly pictures = new Map<number, Picture>();
  private colours = colours();
  private sprites: HTMLCanvasElement | null = null;
  private spritePx = 0;
  private clock = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly hall: Hall,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no canvas");
    this.context = context;
  }

  /** Light has become dark, or the other way round. */
  recolour(): void {
    this.colours = colours();
    this.pictures.clear();
    this.sprites = null;
  }

  /** Seats of these sections have changed. */
  touch(sections: Iterable<number>): void {
    for (const section of sections) {
      const picture = this.pictures.get(section);
      if (picture) picture.stale = true;
    }
  }

  paint(view: View, overlay: Overlay): void {
    const { context, hall } = this;
    const ratio = this.canvas.width / view.width;
    const [visible, px] = [view.visible(), view.px()];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = this.colours.card;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const sections = hall.sections.map((_, nth) => nth).filter((nth) => meets(hall.sections[nth]!.box, visible, hall.spacing));
    const moves = performance.now() - view.movedAt < REST_MS;
    const singly = px >= 7 && this.countIn(visible, sections, moves ? MOST_DRAWN_MOVING : MOST_DRAWN) !== null;
    if (singly) this.drawSeats(view, visible, sections, ratio, moves);
    else for (const section of sections) this.drawPicture(view, section, ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!singly) this.drawChosen(view, overlay.chosen);
    if (px < CHOOSE_PX) this.drawSections(view, sections, overlay);
    else this.drawRows(view, visible, sections);
    this.drawMarked(view, overlay, singly);
    this.forgetOld();
  }

  /** How many seats of these sections are in view; `null`: more than `most`. */
  private countIn(visible: Box, sections: number[], most: number): number | null {
    let count = 0;
    for (const nth of sections) {
      const { rows } = this.hall.sections[nth]!;
      for (let row = rows[0]; row < rows[1]; row++) {
        const { box, from, to } = this.hall.rows[row]!;
        if (!meets(box, visible, this.hall.spacing)) continue;
        // The part of the row that is in view, as if its seats stood evenly in its box.
        const share = (low: number, high: number, from: number, to: number) =>
          high > low ? (Math.min(high, to) - Math.max(low, from)) / (high - low) : 1;
        const x = share(box.left, box.right, visible.left, visible.right);
        const y = share(box.top, box.bottom, visible.top, visible.bottom);
        count += (to - from) * Math.min(x, y, 1);
        if (count > most) return null;
      }
    }
    return count;
  }

  private drawPicture(view: View, nth: number, ratio: number): void {
    const wanted = view.px() * ratio;
    const level = LEVELS.find((level) => level >= wanted * 0.9) ?? LEVELS[LEVELS.length - 1]!;
    let picture = this.pictures.get(nth);
    if (!picture || picture.stale || picture.level !== level) {
      picture = { level, canvas: this.makePicture(nth, level, picture?.canvas), stale: false, used: 0 };
      this.pictures.set(nth, picture);
    }
    picture.used = this.clock;
    const { box } = this.hall.sections[nth]!;
    const unit = level / this.hall.spacing;
    const [x, y] = view.toScreen(box.left - this.hall.spacing, box.top - this.hall.spacing);
    const size = (view.scale * ratio) / unit;
    this.context.imageSmoothingEnabled = performance.now() - view.movedAt >= REST_MS;
    this.context.drawImage(
      picture.canvas,
      Math.round(x * ratio),
      Math.round(y * ratio),
      Math.ceil(picture.canvas.width * size),
      Math.ceil(picture.canvas.height * size),
    );
  }

  /** The seats of a section as squares: large ones that are free, small ones that are not. */
  private makePicture(nth: number, level: number, again?: HTMLCanvasElement): HTMLCanvasElement {
    const { hall } = this;
    const { box, from, to } = hall.sections[nth]!;
    const unit = level / hall.spacing;
    const canvas = again ?? document.createElement("canvas");
    canvas.width = Math.ceil((box.right - box.left + 2 * hall.spacing) * unit) + 1;
    canvas.height = Math.ceil((box.bottom - box.top + 2 * hall.spacing) * unit) + 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return canvas;
    const image = context.createImageData(canvas.width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const classes = this.colours.classes.map(pixel);
    const taken = pixel(this.colours.taken);
    const [large, small] = [Math.max(1, Math.round(level * 0.75)), Math.max(1, Math.round(level * 0.3))];
    for (let seat = from; seat < to; seat++) {
      const isFree = hall.state[seat] === FREE;
      const size = isFree ? large : small;
      const colour = isFree ? classes[hall.price[seat]! % classes.length]! : taken;
      const left = Math.round((hall.x[seat]! - box.left + hall.spacing) * unit - size / 2);
      const top = Math.round((hall.y[seat]! - box.top + hall.spacing) * unit - size / 2);
      for (let y = top; y < top + size; y++) {
        const line = y * canvas.width + left;
        pixels.fill(colour, line, line + size);
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /** Pictures that were not used for long make room. */
  private forgetOld(): void {
    this.clock++;
    const pixels = (picture: Picture) => picture.canvas.width * picture.canvas.height;
    let sum = 0;
    for (const picture of this.pictures.values()) sum += pixels(picture);
    if (sum <= MOST_PIXELS) return;
    for (const [nth, picture] of [...this.pictures].sort(([, a], [, b]) => a.used - b.used)) {
      if (sum <= MOST_PIXELS || picture.used === this.clock - 1) return;
      sum -= pixels(picture);
      this.pictures.delete(nth);
    }
  }

  private drawSeats(view: View, visible: Box, sections: number[], ratio: number, moves: boolean): void {
    const { hall, context } = this;
    const px = Math.max(3, Math.round(view.px() * ratio * 0.86));
    const sprites = this.spritesOf(px);
    const half = px / 2;
    const numbered = view.px() >= NUMBER_PX && !moves;
    const scale = view.scale * ratio;
    const [ox, oy] = [-visible.left * scale - half, -visible.top * scale - half];
    if (numbered) {
      context.font = `600 ${Math.round(px * 0.34)}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "middle";
    }
    this.eachIn(visible, sections, (seat) => {
      const state = hall.state[seat]!;
      const [x, y] = [Math.round(hall.x[seat]! * scale + ox), Math.round(hall.y[seat]! * scale + oy)];
      if (numbered && state === FREE) {
        context.drawImage(sprites, spriteOf(state, hall.price[seat]!, true) * px, 0, px, px, x, y, px, px);
        context.fillStyle = this.colours.card;
        context.fillText(String(hall.number[seat]), x + half, y + half + 1);
      } else {
        context.drawImage(sprites, spriteOf(state, hall.price[seat]!, false) * px, 0, px, px, x, y, px, px);
      }
    });
  }

  private eachIn(visible: Box, sections: number[], each: (seat: number) => void): void {
    const { hall } = this;
    const reach = hall.spacing;
    for (const nth of sections) {
      const { rows } = hall.sections[nth]!;
      for (let row = rows[0]; row < rows[1]; row++) {
        const { box, from, to } = hall.rows[row]!;
        if (!meets(box, visible, reach)) continue;
        for (let seat = from; seat < to; seat++) {
          const [x, y] = [hall.x[seat]!, hall.y[seat]!];
          if (x > visible.left - reach && x < visible.right + reach && y > visible.top - reach && y < visible.bottom + reach) each(seat);
        }
      }
    }
  }

  /** All kinds of seats of one size, side by side. */
  private spritesOf(px: number): HTMLCanvasElement {
    if (this.sprites && this.spritePx === px) return this.sprites;
    const canvas = this.sprites ?? document.createElement("canvas");
    const kinds = 3 + 2 * this.colours.classes.length;
    [canvas.width, canvas.height] = [px * kinds, px];
    const context = canvas.getContext("2d");
    if (context) {
      for (const [state, nth] of [[HELD, 0], [SOLD, 1], [BLOCKED, 2]] as const) drawShape(context, state, nth * px, 0, px, this.colours, 0, "");
      this.colours.classes.forEach((_, price) => {
        const text = px >= LETTER_PX ? letter(price) : "";
        drawShape(context, FREE, spriteOf(FREE, price, false) * px, 0, px, this.colours, price, text);
        drawShape(context, FREE, spriteOf(FREE, price, true) * px, 0, px, this.colours, price, "");
      });
    }
    [this.sprites, this.spritePx] = [canvas, px];
    return canvas;
  }

  private drawChosen(view: View, chosen: ReadonlySet<number>): void {
    this.context.fillStyle = this.colours.accent;
    for (const seat of chosen) {
      const [x, y] = view.toScreen(this.hall.x[seat]!, this.hall.y[seat]!);
      this.context.fillRect(x - 4, y - 4, 8, 8);
    }
  }

  /** Names of sections, what is free in them and what it costs. */
  private drawSections(view: View, sections: number[], overlay: Overlay): void {
    const { context, hall } = this;
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const nth of sections) {
      const { box } = hall.sections[nth]!;
      const lines = overlay.label(nth).split("\n");
      const width = Math.max(...lines.map((line) => context.measureText(line).width)) + 12;
      const room = (box.right - box.left) * view.scale;
      if (room < width * 0.8 && sections.length > 1) lines.length = 1;
      const shown = Math.max(...lines.map((line) => context.measureText(line).width)) + 12;
      if (room < shown * 0.5 && sections.length > 12) continue;
      const [x, y] = view.toScreen((box.left + box.right) / 2, (box.top + box.bottom) / 2);
      const height = lines.length * 15 + 8;
      context.globalAlpha = 0.88;
      context.fillStyle = this.colours.card;
      context.beginPath();
      context.roundRect(x - shown / 2, y - height / 2, shown, height, 6);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = this.colours.text;
      lines.forEach((line, at) => context.fillText(line, x, y - height / 2 + 12 + at * 15));
    }
  }

  /** Names of rows, before their first seat. */
  private drawRows(view: View, visible: Box, sections: number[]): void {
    const { context, hall } = this;
    context.font = "500 11px system-ui, sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = this.colours.quiet;
    for (const nth of sections) {
      const { rows } = hall.sections[nth]!;
      for (let at = rows[0]; at < rows[1]; at++) {
        const row = hall.rows[at]!;
        if (!row.name || !meets(row.box, visible, hall.spacing)) continue;
        const first = hall.x[row.from]! <= hall.x[row.to - 1]! ? row.from : row.to - 1;
        const [x, y] = view.toScreen(hall.x[first]!, hall.y[first]!);
        context.fillText(row.name, Math.max(x - view.px() * 0.7, 22), y);
      }
    }
  }

  /** The chosen seats, and the one under the keys. */
  private drawMarked(view: View, overlay: Overlay, singly: boolean): void {
    const { context, hall } = this;
    const size = Math.max(8, view.px() * 0.86);
    if (singly) {
      for (const seat of overlay.chosen) {
        const [x, y] = view.toScreen(hall.x[seat]!, hall.y[seat]!);
        drawTick(context, x, y, size, this.colours);
      }
    }
    if (overlay.cursor === null) return;
    const [x, y] = view.toScreen(hall.x[overlay.cursor]!, hall.y[overlay.cursor]!);
    context.lineWidth = 3;
    context.strokeStyle = this.colours.text;
    context.strokeRect(x - size / 2 - 3, y - size / 2 - 3, size + 6, size + 6);
  }
}

function meets(box: Box, visible: Box, reach: number): boolean {
  return (
    box.right + reach > visible.left &&
    box.left - reach < visible.right &&
    box.bottom + reach > visible.top &&
    box.top - reach < visible.bottom
  );
}

/** Where in the row of sprites a kind of seat is. */
function spriteOf(state: number, price: number, plain: boolean): number {
  if (state !== FREE) return state - 1;
  return 3 + (price % CLASSES) * 2 + (plain ? 1 : 0);
}

/** A colour as a pixel of an image: the bytes are red, green, blue, alpha. */
function pixel(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0;
}
