//! Charts as SVG, in the page's colours: `--series`, `--grid`, `--muted`, `--mark`.

use std::fmt::Write as _;

use crate::stats::Bucket;

/// What a chart takes of the page, in units of its own: the page scales it.
const WIDTH: f64 = 540.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;
/// About how many lines a scale has.
const TICKS: f64 = 4.0;
/// The height of a chart of latencies: there are several above each other.
const LATENCY_HEIGHT: f64 = 140.0;
/// What part of that height bars take: the names of marks are above them.
const BELOW_NAMES: f64 = 0.7;

/// How a series over time is drawn.
#[derive(Clone, Copy)]
pub enum Shape {
    Area,
    Bars,
}

/// A plane from (0, 0) to `most`, and the SVG so far.
struct Plane {
    svg: String,
    height: f64,
    most: (f64, f64),
}

impl Plane {
    fn new(label: &str, height: f64, most: (f64, f64)) -> Self {
        let label = escape(label);
        let svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">");
        Self { svg, height, most: (most.0.max(1e-9), most.1.max(1e-9)) }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + value / self.most.0 * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.height - BOTTOM - value / self.most.1 * (self.height - BOTTOM - TOP)
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.svg.write_fmt(element);
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let [x1, y1, x2, y2] = [self.x(from.0), self.y(from.1), self.x(to.0), self.y(to.1)];
        self.add(format_args!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"));
    }

    /// A bar over `(from, width)`, with a gap to the next and something to see however small its value.
    fn bar(&mut self, (from, width): (f64, f64), value: f64, title: &str) {
        let (left, right) = (self.x(from), self.x(from + width));
        let gap = ((right - left) * 0.15).min(2.0);
        let (x, width, floor) = (left + gap / 2.0, right - left - gap, self.y(0.0));
        let y = self.y(value).min(floor - 1.0);
        let (height, title) = (floor - y, escape(title));
        self.add(format_args!(
            "<rect class=\"bar\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1\">\
             <title>{title}</title></rect>"
        ));
    }

    /// Text at the bottom, under `x`.
    fn under(&mut self, x: f64, text: &str) {
        let (x, y) = (self.x(x), self.height - BOTTOM + 16.0);
        self.add(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", escape(text)));
    }

    fn rows(&mut self) {
        for tick in ticks(self.most.1) {
            self.line("grid", (0.0, tick), (self.most.0, tick));
            let (x, y) = (LEFT - 8.0, self.y(tick) + 4.0);
            self.add(format_args!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", thousands(tick)));
        }
    }

    fn columns(&mut self, unit: &str) {
        for tick in ticks(self.most.0) {
            self.under(tick, &format!("{}{unit}", thousands(tick)));
        }
    }

    fn done(mut self) -> String {
        self.svg.push_str("</svg>");
        self.svg
    }
}

/// One value per second, from nothing; `limit` is a line that the values do not pass.
pub fn over_time(label: &str, shape: Shape, values: &[f64], limit: Option<f64>) -> String {
    let highest = values.iter().copied().chain(limit).fold(1.0, f64::max);
    let mut plane = Plane::new(label, HEIGHT, (values.len() as f64, highest * 1.06));
    plane.rows();
    plane.columns(" s");
    match shape {
        Shape::Area => {
            let (floor, to) = (plane.y(0.0), plane.x(values.len() as f64));
            let line = (1..).zip(values).fold(format!("M{LEFT:.1} {floor:.1}"), |mut line, (second, value)| {
                let _ = write!(line, "L{:.1} {:.1}", plane.x(f64::from(second)), plane.y(*value));
                line
            });
            plane.add(format_args!("<path class=\"area\" d=\"{line}L{to:.1} {floor:.1}Z\"/>"));
            plane.add(format_args!("<path class=\"line\" d=\"{line}\"/>"));
        }
        Shape::Bars => {
            for (second, value) in (0..).zip(values).filter(|(_, value)| **value > 0.0) {
                let title = format!("{second} s: {}", thousands(*value));
                plane.bar((f64::from(second), 1.0), *value, &title);
            }
        }
    }
    if let Some(limit) = limit {
        plane.line("mark", (0.0, limit), (plane.most.0, limit));
    }
    plane.line("base", (0.0, 0.0), (plane.most.0, 0.0));
    plane.done()
}

/// A histogram on a logarithmic scale of time. All charts of a page take the same `shown` buckets, so that they can be
/// compared; `marks` are lines with names, in milliseconds.
pub fn latencies(label: &str, buckets: &[Bucket], shown: std::ops::Range<usize>, marks: &[(&str, f64)]) -> String {
    let highest = buckets[shown.clone()].iter().map(|bucket| bucket.count).max().unwrap_or_default() as f64;
    let top = highest / BELOW_NAMES;
    let mut plane = Plane::new(label, LATENCY_HEIGHT, (shown.len() as f64, top));
    for (nth, bucket) in (0..).zip(&buckets[shown.clone()]) {
        let (begin, end) = (f64::from(nth), f64::from(nth) + 1.0);
        // The end of a bucket that is a power of ten gets a line.
        let decade = bucket.up_to_ms.log10();
        if (decade - decade.round()).abs() < 1e-6 && end < plane.most.0 {
            plane.line("grid", (end, 0.0), (end, top));
            plane.under(end, &time(bucket.up_to_ms));
        }
        if bucket.count > 0 {
            let title = format!("up to {}: {}", time(bucket.up_to_ms), thousands(bucket.count as f64));
            plane.bar((begin, 1.0), bucket.count as f64, &title);
        }
    }
    let place = |milliseconds: f64| {
        let width = buckets[1].up_to_ms.log10() - buckets[0].up_to_ms.log10();
        let nth = (milliseconds.max(1e-3).log10() - buckets[0].up_to_ms.log10()) / width + 1.0;
        (nth - shown.start as f64).clamp(0.0, shown.len() as f64)
    };
    // Names in rows of their own: a median and a tail may be near each other.
    for (nth, (name, milliseconds)) in (0..).zip(marks) {
        let at = place(*milliseconds);
        plane.line("mark", (at, 0.0), (at, top));
        let left = plane.x(at) < WIDTH * 0.8;
        let (anchor, aside) = if left { ("start", 4.0) } else { ("end", -4.0) };
        let (x, y) = (plane.x(at) + aside, TOP + 8.0 + f64::from(nth) * 13.0);
        plane.add(format_args!(
            "<text class=\"mark-text\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{name} {}</text>",
            time(*milliseconds)
        ));
    }
    plane.line("base", (0.0, 0.0), (plane.most.0, 0.0));
    plane.done()
}

/// Points in a square of `most` by `most`; on the diagonal, both are the same.
pub fn scatter(label: &str, points: &[(f64, f64)], most: f64) -> String {
    let mut plane = Plane::new(label, WIDTH * 0.7, (most, most));
    plane.rows();
    plane.columns("");
    plane.line("mark", (0.0, 0.0), (most, most));
    let dots = points.iter().fold(String::new(), |mut dots, (x, y)| {
        let _ = write!(dots, "M{:.1} {:.1}h0", plane.x(*x), plane.y(*y));
        dots
    });
    plane.add(format_args!("<path class=\"dots\" d=\"{dots}\"/>"));
    plane.line("base", (0.0, 0.0), (most, 0.0));
    plane.done()
}

/// Round values from 0 to `most`.
fn ticks(most: f64) -> Vec<f64> {
    let rough = most / TICKS;
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough).max(1.0);
    (0..).map(|nth| f64::from(nth) * step).take_while(|tick| *tick <= most).collect()
}

/// A whole number with its thousands apart.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Milliseconds for people, to two digits or so.
pub fn time(milliseconds: f64) -> String {
    let (number, places, unit) = match milliseconds {
        ms if ms < 1.0 => (ms, 2, "ms"),
        ms if ms < 10.0 => (ms, 1, "ms"),
        ms if ms < 1_000.0 => (ms, 0, "ms"),
        ms if ms < 10_000.0 => (ms / 1e3, 1, "s"),
        ms => (ms / 1e3, 0, "s"),
    };
    let text = format!("{number:.places$}");
    let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_round_numbers() {
        assert_eq!(ticks(10_600.0), [0.0, 5_000.0, 10_000.0]);
        assert_eq!(ticks(71.0), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks(2.0), [0.0, 1.0, 2.0]);
        assert_eq!(["7", "1\u{202f}234", "20\u{202f}000"], [7.0, 1_234.0, 20_000.0].map(thousands));
        let times = [0.1, 0.254, 1.0, 3.25, 100.0, 1_500.0, 20_000.0].map(time);
        assert_eq!(times, ["0.1 ms", "0.25 ms", "1 ms", "3.2 ms", "100 ms", "1.5 s", "20 s"]);
    }
}
