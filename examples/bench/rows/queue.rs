//! The queue at a million, and a rank at ten.

use std::hint::black_box;
use std::time::Instant;

use concert_core::{AdmissionChange, Operator};

use crate::report::{Row, Target};
use crate::world::World;
use crate::{Failure, Opts};

/// How many changes a tick finds.
const CHANGES: u32 = 1_000;
/// How often each side's tick is measured; the quickest counts, since everything else only adds.
const TICKS: usize = 3;
/// How many wait where a rank is measured alone.
const RANKED: u64 = 10_000_000;
/// How many ranks are asked for.
const RANKS: u64 = 1_000_000;

/// A rerank tick with so many waiting and a thousand changes, against the seed's statement.
pub async fn rerank(world: &World, opts: &Opts) -> Result<Vec<Row>, Failure> {
    let pair = world.queue(opts.waiting).await?;
    let office = &pair.office;
    office.refresh_queue().await?;
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..TICKS {
        // A thousand people are let in, all of them at this tick.
        let back_office = office.operator(Operator::application());
        let active = back_office.queue_figures().await?.active;
        back_office.set_admission(AdmissionChange::new().with_max_active(active + CHANGES)).await?;
        let begun = Instant::now();
        let report = office.rerank_queue().await?;
        ours = ours.min(begun.elapsed().as_secs_f64());
        if report.admitted != u64::from(CHANGES) {
            return Err(format!("{} were let in instead of {CHANGES}", report.admitted).into());
        }
        // It takes seconds at a million: once says enough.
        if theirs.is_infinite() || theirs < 1.0 {
            let begun = Instant::now();
            pair.baseline.rerank().await?;
            theirs = theirs.min(begun.elapsed().as_secs_f64());
        }
    }
    Ok(vec![Row::ratio(
        format!("rerank, {} waiting, {CHANGES} changes", opts.waiting),
        format!("{:.1} ms", ours * 1e3),
        format!("{:.0} ms", theirs * 1e3),
        theirs / ours,
        Target::AtLeast(200.0),
    )])
}

/// A position in the snapshot alone: no HTTP, no token, no lock. Some have left, so that ranks are not the tickets.
pub fn rank() -> Result<Vec<Row>, Failure> {
    let mut dice = Dice(7);
    let mut tickets = Vec::with_capacity(RANKED as usize);
    let mut ticket = 0;
    while tickets.len() < RANKED as usize {
        ticket += 1;
        if dice.roll(10) > 0 {
            tickets.push(ticket);
        }
    }
    let position = concert_core::internals::positions(tickets.iter().copied());
    let asked: Vec<usize> = (0..RANKS).map(|_| dice.roll(RANKED) as usize).collect();
    for nth in &asked {
        if position(tickets[*nth]) != Some(*nth as u64 + 1) {
            return Err(format!("the rank of ticket {} is not {}", tickets[*nth], nth + 1).into());
        }
    }
    let wanted: Vec<u64> = asked.iter().map(|nth| tickets[*nth]).collect();
    let begun = Instant::now();
    for ticket in &wanted {
        black_box(position(black_box(*ticket)));
    }
    let each = begun.elapsed().as_secs_f64() * 1e6 / RANKS as f64;
    Ok(vec![Row::figure(
        format!("a rank, {RANKED} waiting"),
        format!("{:.0} ns", each * 1e3),
        each,
        "us",
        Target::AtMost(1.0),
    )])
}

/// The same numbers in every run: a linear congruential generator (Knuth's constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) % sides
    }
}
