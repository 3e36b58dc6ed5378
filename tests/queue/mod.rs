//! The queue on a real database: order, turns, admission, the estimated wait.

mod admission;
mod order;
mod turns;
mod wait;

use crate::support::{House, Shortcuts as _};

async fn house_for(cap: u32) -> House {
    let house = House::open().await;
    house.office.set_max_active(cap).await.expect("sets the cap");
    house
}
