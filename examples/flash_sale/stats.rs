//! Figures from what was measured.

use hdrhistogram::Histogram;
use serde::Serialize;

/// How many buckets a power of ten has.
const BUCKETS_PER_DECADE: i32 = 8;
/// The upper ends of the first and the last bucket, as powers of ten of a microsecond: 0.1 ms and 100 s.
const FIRST_DECADE: i32 = 2;
const LAST_DECADE: i32 = 8;

/// How many values were above the bucket before and at most this.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    pub up_to_ms: f64,
    pub count: u64,
}

/// The values of a histogram of microseconds in buckets of equal width on a logarithmic scale, the same for every
/// histogram. The first takes all that is smaller, too, the last all that is larger.
pub fn buckets(histogram: &Histogram<u64>) -> Vec<Bucket> {
    let ends = (FIRST_DECADE * BUCKETS_PER_DECADE..=LAST_DECADE * BUCKETS_PER_DECADE)
        .map(|nth| 10_f64.powf(f64::from(nth) / f64::from(BUCKETS_PER_DECADE)));
    let mut buckets: Vec<_> = ends.map(|end| Bucket { up_to_ms: end / 1e3, count: 0 }).collect();
    let last = buckets.len() - 1;
    for step in histogram.iter_recorded() {
        let milliseconds = step.value_iterated_to() as f64 / 1e3;
        let nth = buckets.partition_point(|bucket| bucket.up_to_ms < milliseconds);
        buckets[nth.min(last)].count += step.count_since_last_iteration();
    }
    buckets
}

/// The rank of each value, from 1; equal ones share the average of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let average = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|nth| ranks[*nth] = average);
        before += equal.len();
    }
    ranks
}

/// Spearman's rank correlation: Pearson's of the ranks. `None` where there is no order: fewer than two values, or all
/// equal.
pub fn spearman(xs: &[f64], ys: &[f64]) -> Option<f64> {
    let (xs, ys) = (ranks(xs), ranks(ys));
    // Ranks add up to the same, with ties or without.
    let mean = (xs.len() as f64 + 1.0) / 2.0;
    let (mut both, mut x, mut y) = (0.0, 0.0, 0.0);
    for (a, b) in xs.iter().zip(&ys) {
        both += (a - mean) * (b - mean);
        x += (a - mean).powi(2);
        y += (b - mean).powi(2);
    }
    (x > 0.0 && y > 0.0).then(|| both / (x * y).sqrt())
}

/// The most cells on a side, and how many values each should have at least for the test to hold.
const MOST_ON_A_SIDE: usize = 10;
const LEAST_IN_A_CELL: usize = 5;

/// A chi-square test whether where one came to has anything to do with where one was, in cells of equal width.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellTest {
    /// How many cells there are on a side.
    pub side: usize,
    pub chi_square: f64,
    pub degrees: u32,
    /// How likely a fair draw differs as much or more.
    pub p: f64,
}

impl CellTest {
    /// Of a permutation of 1 to n; `None`: too few for cells.
    pub fn of_permutation(pairs: &[(u64, u64)]) -> Option<Self> {
        let side = ((pairs.len() / LEAST_IN_A_CELL) as f64).sqrt() as usize;
        let side = side.min(MOST_ON_A_SIDE);
        if side < 2 {
            return None;
        }
        let cell = |number: u64| ((number as usize - 1) * side / pairs.len()).min(side - 1);
        let mut found = vec![0_u32; side * side];
        // Tenths are not all of the same size where the number does not divide.
        let mut width = vec![0_u32; side];
        for (from, to) in pairs {
            found[cell(*from) * side + cell(*to)] += 1;
            width[cell(*from)] += 1;
        }
        let chi_square = (0..side * side)
            .map(|nth| {
                let expected = f64::from(width[nth / side]) * f64::from(width[nth % side]) / pairs.len() as f64;
                (f64::from(found[nth]) - expected).powi(2) / expected
            })
            .sum();
        // Each strip has as many places as there are, so the last of each row and column follows from the others.
        let degrees = (side - 1).pow(2) as u32;
        Some(Self { side, chi_square, degrees, p: p_value(chi_square, degrees.into()) })
    }
}

/// The p-value of a chi-square statistic, by the approximation of Wilson and Hilferty (1931).
fn p_value(chi_square: f64, degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    let z = ((chi_square / degrees).cbrt() - (1.0 - spread)) / spread.sqrt();
    // The upper tail of the normal distribution, to 1e-7 (Abramowitz and Stegun, 26.2.17).
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly =
        t * (0.319_381_53 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * poly;
    if z > 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    #[test]
    fn equal_values_share_the_average_of_their_ranks() {
        assert_eq!(ranks(&[30.0, 10.0, 20.0, 10.0]), [4.0, 1.5, 3.0, 1.5]);
        assert_eq!(ranks(&[5.0, 5.0, 5.0]), [2.0, 2.0, 2.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn the_same_order_is_one_and_the_opposite_minus_one() {
        assert!(near(spearman(&[1.0, 2.0, 3.0, 4.0], &[10.0, 11.0, 50.0, 900.0]), 1.0));
        assert!(near(spearman(&[1.0, 2.0, 3.0, 4.0], &[4.0, 3.0, 2.0, 1.0]), -1.0));
        assert_eq!(spearman(&[1.0, 2.0], &[3.0, 3.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
    }

    #[test]
    fn it_is_as_the_textbook_has_it() {
        // IQ and hours of television, from the article on Spearman's coefficient in Wikipedia: -29/165.
        let iq = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let hours = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        assert!(near(spearman(&iq, &hours), -29.0 / 165.0));
        // With ties, as scipy.stats.spearmanr has it.
        assert!(near(spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0]), 0.948_683_298_050_513_8));
    }

    #[test]
    fn every_value_is_in_one_bucket() {
        let mut histogram = Histogram::new_with_bounds(1, 100_000_000, 3).expect("in range");
        for value in (0..8).flat_map(|decade| [1, 2, 5, 9].map(|digit| digit * 10_u64.pow(decade))) {
            histogram.saturating_record(value);
        }
        let buckets = buckets(&histogram);
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), histogram.len());
        // 1, 2, 5, 9, 10, 20, 50, 90 and 100 us.
        assert_eq!((buckets[0].up_to_ms, buckets[0].count), (0.1, 9));
        // Above 10^2.25 us and at most 10^2.375: 200 us.
        assert_eq!(buckets[3].count, 1);
        assert_eq!(buckets.last().map(|bucket| bucket.up_to_ms), Some(1e5));
    }

    #[test]
    fn what_is_too_slow_is_in_the_last_bucket() {
        let mut histogram = Histogram::new(3).expect("in range");
        histogram.record(5_000_000_000).expect("it grows");
        assert_eq!(buckets(&histogram).last().map(|bucket| bucket.count), Some(1));
    }

    #[test]
    fn percentage_points_are_those_of_the_tables() {
        for (chi_square, degrees, expected) in [(103.010, 81.0, 0.05), (113.512, 81.0, 0.01), (3.841, 1.0, 0.05)] {
            let p = p_value(chi_square, degrees);
            assert!((p - expected).abs() < 0.005, "{chi_square}: {p}");
        }
    }

    #[test]
    fn who_comes_first_and_is_first_is_no_draw() {
        let as_they_came: Vec<_> = (1..=500).map(|nth| (nth, nth)).collect();
        let test = CellTest::of_permutation(&as_they_came).expect("enough of them");
        assert!(test.side == 10 && test.p < 1e-6, "{test:?}");
        // Multiplying by a number without a common divisor spreads them evenly: more so than chance would.
        let spread: Vec<_> = (0..503).map(|nth| (nth + 1, nth * 197 % 503 + 1)).collect();
        assert!(CellTest::of_permutation(&spread).expect("enough of them").p > 0.5);
        assert_eq!(CellTest::of_permutation(&as_they_came[..19]), None);
    }
}
