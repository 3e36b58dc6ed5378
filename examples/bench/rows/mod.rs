//! The rows of the table, by what they measure.

pub mod books;
pub mod crowd;
pub mod doors;
pub mod halls;
pub mod limit;
pub mod polls;
pub mod process;
pub mod queue;
pub mod sales;
pub mod seats;
pub mod visits;
pub mod writes;

/// The two sides take turns, so that a drift of the machine meets both.
const TURNS: usize = 2;
