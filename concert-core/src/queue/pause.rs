//! The poll interval of WAITING users, so that all of them together stay within a budget.

/// The shortest pause between two polls, in seconds: at the front, and for ACTIVE users.
pub(super) const SHORTEST_PAUSE: u64 = 2;
/// The longest, in seconds. The budget holds while no more than `LONGEST_PAUSE / 2` people wait per poll per second of
/// it: six million, with the default of 20 000.
pub(super) const LONGEST_PAUSE: u64 = 600;

/// The poll interval in seconds at `position` of `waiting`.
///
/// Half of the budget is shared equally, half in proportion to 1 / position:
///
/// ```text
/// polls per second at p = budget / (2 waiting) + budget / (2 p (1 + ln waiting))
/// ```
///
/// The sum of 1 / p over all who wait is at most 1 + ln waiting, so each half adds up to half the budget at most. The
/// pause is the inverse, rounded up, at least `SHORTEST_PAUSE` and at most `LONGEST_PAUSE`.
pub(super) fn pause_at(position: u64, waiting: u64, budget: u32) -> u64 {
    let position = position.max(1);
    let waiting = waiting.max(position) as f64;
    let half = f64::from(budget) / 2.0;
    let rate = half / waiting + half / (position as f64 * (1.0 + waiting.ln()));
    ((1.0 / rate).ceil() as u64).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// The poll interval in seconds where all of `waiting` are told the same: before a draw nobody is nearer to the front.
pub(super) fn equal_pause(waiting: u64, budget: u32) -> u64 {
    waiting.div_ceil(u64::from(budget.max(1))).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn all_who_wait_stay_within_the_budget_and_the_nearer_the_front_the_shorter(
            waiting in 1_u64..30_000, spare in 0_u32..2_000
        ) {
            let budget = u32::try_from(waiting.div_ceil(LONGEST_PAUSE / 2)).expect("small") + spare;
            let mut sum = 0.0;
            let mut before = SHORTEST_PAUSE;
            for position in 1..=waiting {
                let pause = pause_at(position, waiting, budget);
                prop_assert!(pause >= before && pause <= LONGEST_PAUSE, "{position}: {pause} after {before}");
                sum += 1.0 / pause as f64;
                before = pause;
            }
            prop_assert!(sum <= f64::from(budget), "{sum} of {budget}");
        }
    }

    #[test]
    fn a_million_people_ask_twenty_thousand_times_a_second_at_most() {
        let pause = |position| pause_at(position, 1_000_000, 20_000);
        let sum: f64 = (1..=1_000_000).map(|position| 1.0 / pause(position) as f64).sum();
        assert!((14_000.0..=20_000.0).contains(&sum), "{sum}: the front asks no sooner than it need");
        assert_eq!([1, 1_000, 10_000, 100_000, 1_000_000].map(pause), [2, 2, 13, 60, 94]);
        assert_eq!([0, 1_000_000, 20_000_000].map(|waiting| equal_pause(waiting, 20_000)), [2, 50, 600]);
        assert_eq!(pause_at(1, 1, 20_000), SHORTEST_PAUSE);
        assert_eq!(pause_at(u64::MAX, 0, 1), LONGEST_PAUSE, "a position behind the last");
    }
}
