//! Korean and English, and the money of the house.

mod catalogues;
mod currency;
mod problems;
mod readme;
