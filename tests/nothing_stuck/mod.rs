//! Nothing stuck: whatever freezes, dies, lags or misbehaves, the others go on.

mod b12_seats_walk;
mod b16_small_ones;
mod b6_clocks;
mod b7_ghosts;
