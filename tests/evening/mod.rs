//! A sale as operators run it.

mod cancel;
mod codes;
mod concerts;
mod draw;
mod export;
mod limits;
mod past_queue;
mod refunded_seats;
mod repeats;
mod sales;
mod seats;
mod swaps;
mod tickets;
