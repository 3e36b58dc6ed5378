//! Nothing stuck: whatever freezes, dies, lags or misbehaves, the others go on.

mod b10_host_pool;
mod b11_few_connections;
mod b12_seats_walk;
mod b13_slow_readers;
mod b16_http;
mod b16_small_ones;
mod b1_frozen_writers;
mod b2_silence;
mod b3_classes;
mod b4_private_database;
mod b5_http;
mod b5_refreshes;
mod b6_clocks;
mod b7_ghosts;
mod b8_holds_can_be_paid;
mod b9_one_clock;
