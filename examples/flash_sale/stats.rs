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
}
