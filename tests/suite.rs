//! The box office on a real MariaDB: one private server for all tests, one database for each, the clock moved by hand.

mod assumed;
mod audit;
mod evening;
mod explain;
mod halls;
mod history;
mod host;
mod http;
mod imports;
mod lost_answers;
mod migrate;
mod neighbours;
mod nobody_in;
mod nothing_stuck;
mod order_races;
mod orders;
mod passes;
mod private_db;
mod purchase;
mod queue;
mod races;
mod refund;
mod security;
mod statements;
mod support;
mod texts;
