//! A sale as operators run it.

mod limits;
