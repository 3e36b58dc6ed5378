//! A sale as operators run it.

mod limits;
mod seats;
mod swaps;
