// The server's time, as far as it is known, and spans of time in words.

/** Milliseconds that the server is ahead of this machine. */
let ahead = 0;

/** `now`: what the server said; `heard`: when, by this machine. */
export function observeServerTime(now: string, heard = Date.now()): void {
  const said = Date.parse(now);
  if (Number.isFinite(said)) ahead = said - heard;
}

export const serverNow = (): number => Date.now() + ahead;

/** `4:09`, `1:00:00`, `2 d 1:00:00`. */
export function clockFace(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  const face = hours || days ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return days ? `${days} d ${face}` : face;
}
