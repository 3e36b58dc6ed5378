//! The rows of the table, by what they measure.

pub mod http;
pub mod queue;
pub mod writes;
