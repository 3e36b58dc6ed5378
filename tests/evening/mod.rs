//! A sale as operators run it.

mod codes;
mod limits;
mod past_queue;
mod sales;
mod seats;
mod swaps;
