//! A sale as operators run it.

mod limits;
mod sales;
mod seats;
mod swaps;
