//! Nobody in: what a stranger must not get, point by point.

mod a7_operators;
mod a7_rest;
mod a8_names;
