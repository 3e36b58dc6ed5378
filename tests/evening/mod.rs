//! A sale as operators run it.

mod cancel;
mod codes;
mod concerts;
mod draw;
mod draw_of_a_million;
mod draw_with_codes;
mod export;
mod limits;
mod past_queue;
mod sales;
mod seats;
mod swaps;
mod tickets;
