use super::*;
use crate::clock::ManualClock;

const YEAR_2027: i64 = 1_800_000_000_000_000;

fn at(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(YEAR_2027 + micros).expect("in range")
}

/// The database's clock, read `milliseconds` after the begin in a round trip of `round_trip`; it was `ahead` of a
/// clock that began in 2027.
fn read(time: &DatabaseTime, milliseconds: u64, round_trip: u64, ahead: i64) {
    let sent = time.begun + Duration::from_millis(milliseconds);
    let told = at(ahead + (milliseconds * 1_000 + round_trip * 500) as i64);
    time.take_over(sent, sent + Duration::from_millis(round_trip), told, &ManualClock::new(at(0)));
}

fn shows(time: &DatabaseTime, milliseconds: u64) -> i64 {
    (time.micros_at(time.begun + Duration::from_millis(milliseconds)) - YEAR_2027) / 1_000
}

#[test]
fn the_reading_with_the_shortest_round_trip_counts() {
    let time = DatabaseTime::new();
    assert_eq!(time.now(Instant::now()), None);
    read(&time, 1_000, 80, 30_000);
    assert_eq!(shows(&time, 2_000), 2_030);
    read(&time, 2_000, 2, 50_000);
    read(&time, 3_000, 90, 5_000);
    assert_eq!(shows(&time, 4_000), 4_050);
}

#[test]
fn a_clock_that_is_a_little_ahead_stands_still_and_never_goes_back() {
    let time = DatabaseTime::new();
    read(&time, 0, 2, 500_000);
    let before = time.micros_at(Instant::now());
    read(&time, 1, 2, 0);
    let floor = time.micros_at(Instant::now());
    assert!(floor >= before, "{floor} {before}");
    assert_eq!(shows(&time, 60_000), 60_000, "right again");
}

#[test]
fn a_clock_that_was_set_is_followed_at_once() {
    let time = DatabaseTime::new();
    read(&time, 0, 2, 0);
    read(&time, 2_000, 2, 90_000_000);
    assert_eq!(shows(&time, 3_000), 93_000, "forward");
    read(&time, 4_000, 2, 0);
    assert_eq!(shows(&time, 5_000), 5_000, "back");
}

#[test]
fn what_another_node_has_written_ahead_is_seen() {
    let time = DatabaseTime::new();
    time.note_others(at(0), Some(at(-5_000_000)));
    assert_eq!(time.behind.load(Ordering::Relaxed), 0);
    time.note_others(at(0), Some(at(2_500_000)));
    assert!(time.behind.load(Ordering::Relaxed) > MOST_BEHIND);
}

#[test]
fn a_clock_that_is_given_for_tests_stays_as_it_is() {
    let clock = OfficeClock::new(Arc::new(ManualClock::new(at(7))));
    assert_eq!((clock.now(), clock.look()), (at(7), (at(7), false)));
}
