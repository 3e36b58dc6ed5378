//! What becomes of a batch that fails, of its neighbours and of the writer, on a real database.

mod guests;

use std::time::{Duration, Instant};

use sqlx::Executor as _;

use self::guests::{Guest, House, Step};
use super::piece::LONGEST_SEARCH;
use crate::error::Error;

const CAPACITY: usize = 64;

/// Guests of rooms 1 to `count`, of whom the one of `nth` is another.
fn crowd(count: u32, nth: u32, other: Guest) -> Vec<Guest> {
    (1..=count).map(|id| if id == nth { other } else { Guest::of_room(id) }).collect()
}

/// All get their answer but the one of `nth`, who gets another, and the writer goes on.
async fn assert_alone(house: &House, answers: Vec<Result<u32, Error>>, nth: u32, is_expected: fn(&Error) -> bool) {
    let count = answers.len() as u32;
    for (id, answer) in (1..).zip(answers) {
        match answer {
            Ok(answer) => assert!(answer == id && id != nth, "{id} is answered {answer}"),
            Err(error) => assert!(id == nth && is_expected(&error), "{id} is told {error:?}"),
        }
    }
    assert_eq!(house.lane.submit(Guest::of_room(31)).await.expect("the writer goes on"), 31);
    let mut expected: Vec<_> = (1..=count).filter(|id| *id != nth).collect();
    expected.push(31);
    assert_eq!(house.guests().await, expected, "each once");
}

fn is_internal(error: &Error) -> bool {
    matches!(error, Error::Internal(_))
}

fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::Unavailable(_))
}

#[tokio::test]
async fn a_panic_fails_the_command_that_it_is_about_and_no_other() {
    for (step, may_assume) in
        [(Step::Lock, false), (Step::Decide, false), (Step::Decide, true), (Step::Write, false), (Step::Write, true)]
    {
        let house = House::open(may_assume, CAPACITY).await;
        let panicking = Guest { panics_in: Some(step), ..Guest::of_room(2) };
        let answers = house.at_once(crowd(3, 2, panicking)).await;
        assert_alone(&house, answers, 2, is_internal).await;
    }
}

#[tokio::test]
async fn a_panic_that_the_lock_or_the_commit_bridges_fails_nobody() {
    for (step, may_assume) in
        [(Step::Assume, true), (Step::Complete, false), (Step::Complete, true), (Step::Committed, true)]
    {
        let house = House::open(may_assume, CAPACITY).await;
        let panicking = Guest { panics_in: Some(step), ..Guest::of_room(2) };
        let answers = house.at_once(crowd(3, 2, panicking)).await;
        assert_alone(&house, answers, 0, |_| false).await;
    }
}

#[tokio::test]
async fn a_lock_that_cannot_be_had_fails_the_one_who_needs_it_and_within_the_time_of_a_search() {
    let search = |may_assume| async move {
        let house = House::open(may_assume, CAPACITY).await;
        let other = house.lock_room(11).await;
        let begun = Instant::now();
        let answers = house.at_once(crowd(16, 11, Guest::of_room(11))).await;
        let took = begun.elapsed();
        assert!(took < LONGEST_SEARCH, "{took:?}");
        assert_alone(&house, answers, 11, is_unavailable).await;
        drop(other);
    };
    tokio::join!(search(false), search(true));
}

#[tokio::test]
async fn one_who_waits_for_a_lock_alone_gives_up_within_the_time_of_a_search_and_one_wait() {
    const ONE_WAIT: Duration = Duration::from_secs(4);
    let house = House::open(false, CAPACITY).await;
    let other = house.lock_room(1).await;
    let begun = Instant::now();
    let answers = house.at_once([Guest::of_room(1)]).await;
    let took = begun.elapsed();
    assert!(took < LONGEST_SEARCH + ONE_WAIT, "{took:?}");
    assert_alone(&house, answers, 1, is_unavailable).await;
    drop(other);
}

#[tokio::test]
async fn a_duplicate_key_that_never_goes_away_fails_the_one_whose_it_is() {
    for may_assume in [false, true] {
        let house = House::open(may_assume, CAPACITY).await;
        house.pool.execute("insert into guests values (30, 30, 'other')").await.expect("inserts");
        let answers = house.at_once(crowd(16, 5, Guest { id: 30, ..Guest::of_room(5) })).await;
        assert_alone(&house, answers, 5, is_unavailable).await;
    }
}

#[tokio::test]
async fn a_value_that_the_server_refuses_fails_the_one_who_brings_it() {
    for may_assume in [false, true] {
        let house = House::open(may_assume, CAPACITY).await;
        let answers = house.at_once(crowd(16, 16, Guest { name: "a long name", ..Guest::of_room(16) })).await;
        assert_alone(&house, answers, 16, is_internal).await;
    }
}

#[tokio::test]
async fn a_change_that_finds_no_row_fails_the_one_whose_it_is() {
    for may_assume in [false, true] {
        let house = House::open(may_assume, CAPACITY).await;
        let answers = house.at_once(crowd(16, 1, Guest { room: 99, ..Guest::of_room(1) })).await;
        assert_alone(&house, answers, 1, is_internal).await;
    }
}

#[tokio::test]
async fn a_batch_whose_commit_nobody_has_looked_up_is_not_split() {
    const TWO_WAITS: Duration = Duration::from_secs(4);
    let house = House::open(true, CAPACITY).await;
    // Its commit is done when this panics, so the outcome is unknown to the writer.
    let panicking = Guest { panics_in: Some(Step::Complete), ..Guest::of_room(2) };
    let nobody_locks = house.may_lock.acquire().await.expect("is free");
    let meanwhile = async {
        while house.guests().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut other = house.lock_room(1).await;
        drop(nobody_locks);
        tokio::time::sleep(TWO_WAITS).await;
        other.execute("commit").await.expect("commits");
    };
    let (answers, ()) = tokio::join!(house.at_once(crowd(3, 2, panicking)), meanwhile);
    let locked = house.locked.lock().expect("no panic").clone();
    assert!(locked.len() > 1 && locked.iter().all(|commands| *commands == 3), "{locked:?}");
    assert_alone(&house, answers, 0, |_| false).await;
}

#[tokio::test]
async fn a_lane_whose_writers_are_gone_says_so() {
    // The writers run where the lane was started.
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let elsewhere = elsewhere.expect("a runtime");
    let house = elsewhere.spawn(House::open(false, 2)).await.expect("opens");
    let _nobody_locks = house.may_lock.acquire().await.expect("is free");
    let waiting = house.at_once(crowd(2, 0, Guest::of_room(0)));
    let gone = async {
        while house.locked.lock().expect("no panic").is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        elsewhere.shutdown_background();
    };
    let (answers, ()) = tokio::join!(waiting, gone);
    assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(is_internal)), "{answers:?}");
    for writer in &house.lane.writers {
        // The runtime ends its tasks in the background.
        writer.closed().await;
    }
    for answer in house.at_once(crowd(5, 0, Guest::of_room(0))).await {
        assert!(answer.as_ref().is_err_and(is_internal), "{answer:?}");
    }
}

#[tokio::test]
async fn a_lane_that_is_shut_down_answers_what_it_took_and_takes_nothing_more() {
    let house = House::open(false, CAPACITY).await;
    let other = house.lock_room(1).await;
    let first = house.lane.submit(Guest::of_room(1));
    let rest = async {
        // The writer waits for the room by now; these are its next batch.
        while house.locked.lock().expect("no panic").is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let taken = house.at_once((2..=9).map(Guest::of_room));
        let shut_down = async {
            let shutting = house.lane.shutdown();
            let later = async {
                tokio::task::yield_now().await;
                let later = house.at_once((10..=20).map(Guest::of_room)).await;
                drop(other);
                later
            };
            tokio::join!(shutting, later).1
        };
        tokio::join!(taken, shut_down)
    };
    let (first, (taken, later)) = tokio::join!(first, rest);
    assert_eq!(first.expect("is let in"), 1);
    assert!(taken.iter().all(Result::is_ok), "{taken:?}");
    assert!(later.iter().all(|answer| matches!(answer, Err(Error::ShutDown))), "{later:?}");
    assert_eq!(house.guests().await, (1..=9).collect::<Vec<_>>());
    assert!(matches!(house.lane.submit(Guest::of_room(21)).await, Err(Error::ShutDown)));
}
