//! Nobody in: what a stranger must not get, point by point.

mod a7_operators;
