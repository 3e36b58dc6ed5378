// The server's metrics, as Prometheus reads them: counters and histograms of this one server.

/** One line: its name, its labels, its value. */
export interface Line {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function parse(text: string): Line[] {
  const lines: Line[] = [];
  for (const line of text.split("\n")) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name!] = value!;
    lines.push({ name: found[1]!, labels, value: Number(found[3]) });
  }
  return lines;
}

/** The counts of a metric by one of its labels. */
export function by(lines: Line[], name: string, label: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    if (line.name !== name) continue;
    const key = line.labels[label] ?? "";
    counts.set(key, (counts.get(key) ?? 0) + line.value);
  }
  return counts;
}

/** The buckets of a route's latencies: upper ends in seconds with how many were at most that. */
export function buckets(lines: Line[], route: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const { name, labels, value } of lines) {
    if (name === "concert_http_request_seconds_bucket" && labels.route === route) {
      found.set(labels.le === "+Inf" ? Infinity : Number(labels.le), value);
    }
  }
  return found;
}

/** The quantile between two readings, in milliseconds; `null`: nothing was asked in between. Within a bucket, evenly. */
export function quantile(before: Map<number, number>, after: Map<number, number>, share: number): number | null {
  const ends = [...after.keys()].sort((a, b) => a - b);
  const count = (end: number) => (after.get(end) ?? 0) - (before.get(end) ?? 0);
  const all = count(Infinity);
  if (!(all > 0)) return null;
  let [from, below] = [0, 0];
  for (const end of ends) {
    const upTo = count(end);
    if (upTo >= all * share) {
      if (end === Infinity) return from * 1e3;
      return (from + ((end - from) * (all * share - below)) / Math.max(upTo - below, 1)) * 1e3;
    }
    [from, below] = [end, upTo];
  }
  return from * 1e3;
}
