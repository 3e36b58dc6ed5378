// What part of the hall is in view: scale and middle, and the fingers, wheel and keys that move it.

import type { Box } from "./plan";

/** How far out and in one may go: pixels between neighbours. */
const CLOSEST_PX = 64;
const GLIDE_MS = 220;
/** A pointer that moves less than this is a click. */
const CLICK_PX = 5;
const WHEEL_SPEED = 0.0016;

export interface Watcher {
  /** The view has changed. */
  moved(): void;
  clicked(x: number, y: number): void;
  hovered(x: number, y: number): void;
  left(): void;
}

export class View {
  /** Pixels for a unit of the plan. */
  scale = 1;
  width = 1;
  height = 1;
  /** What of the plan is in the middle. */
  private x = 0;
  private y = 0;
  /** When it moved last: while it moves, it is drawn more coarsely. */
  movedAt = 0;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private travelled = 0;
  private glide = 0;

  constructor(
    private readonly element: HTMLElement,
    private box: Box,
    private spacing: number,
    private readonly watcher: Watcher,
  ) {
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    element.addEventListener("pointerleave", () => watcher.left());
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** Another plan: what is in view stays there as far as it can. */
  showing(box: Box, spacing: number): void {
    [this.box, this.spacing] = [box, spacing];
    this.moveTo(this.x, this.y, this.scale);
  }

  /** So that the whole hall is in view. */
  fitScale(): number {
    const margin = 2.5 * this.spacing;
    const [width, height] = [this.box.right - this.box.left + margin, this.box.bottom - this.box.top + margin];
    return Math.min(this.width / width, this.height / height, CLOSEST_PX / 2 / this.spacing);
  }

  resize(width: number, height: number): void {
    const wasWhole = this.width < 2 || this.isWhole();
    [this.width, this.height] = [width, height];
    if (wasWhole) this.showAll();
    else this.moveTo(this.x, this.y, this.scale);
  }

  isWhole(): boolean {
    return this.scale <= this.fitScale() * 1.01;
  }

  showAll(smoothly = false): void {
    this.go((this.box.left + this.box.right) / 2, (this.box.top + this.box.bottom) / 2, this.fitScale(), smoothly);
  }

  /** So that a part fills the view. */
  show(part: Box): void {
    const margin = 4 * this.spacing;
    const scale = Math.min(this.width / (part.right - part.left + margin), this.height / (part.bottom - part.top + margin));
    this.go((part.left + part.right) / 2, (part.top + part.bottom) / 2, scale, true);
  }

  /** So that a point is in view, with neighbours at least so many pixels apart. */
  reveal(x: number, y: number, px: number): void {
    const scale = Math.max(this.scale, px / this.spacing);
    const [sx, sy] = this.toScreen(x, y);
    const margin = 40;
    const isIn = sx > margin && sy > margin && sx < this.width - margin && sy < this.height - margin;
    if (!isIn || scale !== this.scale) this.go(x, y, scale, true);
  }

  zoom(factor: number, sx = this.width / 2, sy = this.height / 2): void {
    const [x, y] = this.toPlan(sx, sy);
    const scale = this.bounded(this.scale * factor);
    this.moveTo(x - (sx - this.width / 2) / scale, y - (sy - this.height / 2) / scale, scale);
  }

  pan(dx: number, dy: number): void {
    this.moveTo(this.x - dx / this.scale, this.y - dy / this.scale, this.scale);
  }

  toScreen(x: number, y: number): [number, number] {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  toPlan(sx: number, sy: number): [number, number] {
    return [(sx - this.width / 2) / this.scale + this.x, (sy - this.height / 2) / this.scale + this.y];
  }

  /** What of the plan is in view. */
  visible(): Box {
    const [left, top] = this.toPlan(0, 0);
    const [right, bottom] = this.toPlan(this.width, this.height);
    return { left, top, right, bottom };
  }

  /** Pixels between neighbours. */
  px(): number {
    return this.scale * this.spacing;
  }

  private bounded(scale: number): number {
    return Math.min(Math.max(scale, this.fitScale()), CLOSEST_PX / this.spacing);
  }

  private go(x: number, y: number, scale: number, smoothly: boolean): void {
    cancelAnimationFrame(this.glide);
    const still = !smoothly || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (still) return this.moveTo(x, y, scale);
    const from = { x: this.x, y: this.y, scale: this.scale };
    const to = { x, y, scale: this.bounded(scale) };
    const begun = performance.now();
    const step = (now: number) => {
      const part = Math.min(1, (now - begun) / GLIDE_MS);
      const ease = 1 - (1 - part) ** 3;
      const at = from.scale * (to.scale / from.scale) ** ease;
      // The point that is aimed at moves evenly over the screen, not over the plan.
      const share = to.scale === from.scale ? ease : (1 / from.scale - 1 / at) / (1 / from.scale - 1 / to.scale);
      this.moveTo(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share, at);
      if (part < 1) this.glide = requestAnimationFrame(step);
    };
    this.glide = requestAnimationFrame(step);
  }

  private moveTo(x: number, y: number, scale: number): void {
    this.scale = this.bounded(scale);
    // The hall never leaves the view.
    const hold = (at: number, least: number, most: number, room: number) => {
      const half = room / 2 / this.scale - 2 * this.spacing;
      return most - least < 2 * half ? (least + most) / 2 : Math.min(Math.max(at, least + half), most - half);
    };
    this.x = hold(x, this.box.left, this.box.right, this.width);
    this.y = hold(y, this.box.top, this.box.bottom, this.height);
    this.movedAt = performance.now();
    // While all is in view, a finger scrolls the page.
    this.element.style.touchAction = this.isWhole() ? "pan-y" : "none";
    this.watcher.moved();
  }

  private at(event: PointerEvent | WheelEvent): { x: number; y: number } {
    const { left, top } = this.element.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    cancelAnimationFrame(this.glide);
    if (this.pointers.size === 0) this.travelled = 0;
    this.pointers.set(event.pointerId, this.at(event));
    this.element.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const now = this.at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.watcher.hovered(now.x, now.y);
    this.pointers.set(event.pointerId, now);
    this.travelled += Math.hypot(now.x - before.x, now.y - before.y);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (one: { x: number; y: number }) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      this.zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (this.travelled > CLICK_PX) {
      this.pan(now.x - before.x, now.y - before.y);
    }
  }

  private up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size > 0) return;
    const { x, y } = this.at(event);
    if (this.travelled <= CLICK_PX) this.watcher.clicked(x, y);
  }

  private wheel(event: WheelEvent): void {
    // Out of the whole hall, the wheel scrolls the page.
    if (event.deltaY > 0 && this.isWhole() && !event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * 16 : event.deltaY;
    const { x, y } = this.at(event);
    this.zoom(Math.exp(-pixels * WHEEL_SPEED * (event.ctrlKey ? 6 : 1)), x, y);
  }
}
