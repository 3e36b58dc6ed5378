//! A buyer: who it is, and what becomes of it. `visit` and `shopping` are what it does.

use std::time::Duration;

use concert_core::{Money, UserId};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::sleep;

use crate::browser::Browser;
use crate::crowd::Sale;
use crate::ending::Ending;
use crate::hall::View;
use crate::opts::People;
use crate::program::share_of_first;

/// How often somebody whose turn ended too soon joins again.
const MOST_VISITS: u32 = 3;
/// How uneven thinking is: the sigma of a log-normal distribution. With 0.8 the slowest of a hundred takes five times
/// the average.
const SPREAD: f64 = 0.8;
/// Nobody thinks longer than so many times the average.
const LONGEST_THOUGHT: f64 = 10.0;
/// What part of the time between doors and opening the crowd comes in.
const IN_TIME: f64 = 0.9;

/// What becomes of somebody who has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Buys,
    /// Never comes back.
    NoShow,
    /// Holds what it wanted, and walks away.
    Abandons,
    /// Buys, and breaks every rule on the way.
    Robot,
}

/// How somebody says which seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// By their numbers.
    Named,
    /// The best that are free.
    Best,
    /// The same, but only beside each other.
    Together,
}

impl Way {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Best => "best available",
            Self::Together => "best, together",
        }
    }
}

pub struct Buyer {
    pub user: UserId,
    /// The number in the crowd.
    pub nth: u32,
    /// After the doors.
    pub arrives: Duration,
    pub nature: Nature,
    /// How many seats.
    pub wants: u32,
    pub way: Way,
    /// Which of the concerts.
    pub(crate) concert: usize,
    /// Which of the servers.
    pub(crate) server: usize,
    think: Duration,
    pub(crate) rng: SmallRng,
    /// The access token that joining gave.
    pub(crate) token: String,
    /// Whether a join by the buyer's code counted: a code counts once, so whoever joins again does so without it.
    pub(crate) code_is_used: bool,
    /// What is in the wallet, as far as the buyer was told.
    pub(crate) balance: Money,
    /// What the buyer saw of the hall last.
    pub(crate) seen: Option<View>,
    /// How many acts have had a key.
    pub(crate) keys: u32,
    /// With `--with-pages`, what the buyer looks at.
    pub(crate) browser: Browser,
}

impl Buyer {
    /// The `nth` of the crowd: the same for the same seed.
    pub fn new(user: UserId, nth: u32, people: &People, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed.wrapping_mul(u64::from(u32::MAX)).wrapping_add(u64::from(nth)));
        let arrives = match rng.random::<f64>() < people.late.0 {
            true => people.doors_for.mul_f64(1.0 + rng.random::<f64>()),
            // Squared: most come at once, when the doors open.
            false => people.doors_for.mul_f64(IN_TIME * rng.random::<f64>().powi(2)),
        };
        let natures =
            [(people.no_show, Nature::NoShow), (people.abandon, Nature::Abandons), (people.robots, Nature::Robot)];
        let (whim, mut up_to) = (rng.random::<f64>(), 0.0);
        let nature = natures.into_iter().find_map(|(share, nature)| {
            up_to += share.0;
            (whim < up_to).then_some(nature)
        });
        let way = match rng.random::<f64>() {
            whim if whim < people.named.0 => Way::Named,
            whim if whim < f64::midpoint(people.named.0, 1.0) => Way::Best,
            _ => Way::Together,
        };
        Self {
            user,
            nth,
            arrives,
            nature: nature.unwrap_or(Nature::Buys),
            wants: rng.random_range(1..=people.seats_per_buyer),
            way,
            concert: usize::from(rng.random::<f64>() >= share_of_first(people)),
            server: nth as usize,
            think: people.think,
            rng,
            token: String::new(),
            code_is_used: false,
            balance: Money::ZERO,
            seen: None,
            keys: 0,
            browser: Browser::default(),
        }
    }

    pub async fn live(mut self, sale: &Sale) -> Ending {
        let until_doors = sale.program.doors.saturating_duration_since(std::time::Instant::now());
        // The first few are there before the doors.
        let early = self.is_early();
        let arrives = if early { Duration::ZERO } else { until_doors + self.arrives };
        if sale.unless_over(sleep(arrives)).await.is_none() {
            return Ending::NotLetIn;
        }
        for _ in 0..MOST_VISITS {
            let ending = match self.visit(sale).await {
                Ok(()) => Ending::Bought,
                Err(Ending::TurnEnded) => continue,
                Err(ending) => ending,
            };
            if matches!(ending, Ending::Bought | Ending::SoldOut | Ending::GaveUp)
                && let Err(failed) = self.leave(sale).await
            {
                return failed;
            }
            return ending;
        }
        Ending::TurnEnded
    }

    /// One of a hundred, and the very first.
    const fn is_early(&self) -> bool {
        self.nth.is_multiple_of(100)
    }

    pub(crate) async fn think(&mut self) {
        sleep(self.thought()).await;
    }

    pub(crate) async fn think_unless_over(&mut self, sale: &Sale) -> Result<(), Ending> {
        let thought = self.thought();
        sale.unless_over(sleep(thought)).await.ok_or(Ending::SoldOut)
    }

    /// Log-normal: most thoughts are short, a few long.
    fn thought(&mut self) -> Duration {
        let (radius, angle) = (1.0 - self.rng.random::<f64>(), self.rng.random::<f64>());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        self.think.mul_f64((SPREAD * normal - SPREAD * SPREAD / 2.0).exp().min(LONGEST_THOUGHT))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::opts::Opts;

    fn buyers(count: u32) -> Vec<Buyer> {
        let people = Opts::parse_from(["flash_sale"]).people;
        (0..count).map(|nth| Buyer::new(UserId::generate(), nth, &people, 1)).collect()
    }

    #[test]
    fn the_crowd_is_as_the_shares_say() {
        let crowd = buyers(20_000);
        let share = |is: &dyn Fn(&Buyer) -> bool| crowd.iter().filter(|buyer| is(buyer)).count() as f64 / 20_000.0;
        for (nature, expected) in [(Nature::NoShow, 0.05), (Nature::Abandons, 0.05), (Nature::Robot, 0.02)] {
            let found = share(&|buyer| buyer.nature == nature);
            assert!((found - expected).abs() < 0.005, "{nature:?}: {found}");
        }
        for (way, expected) in [(Way::Named, 0.6), (Way::Best, 0.2), (Way::Together, 0.2)] {
            let found = share(&|buyer| buyer.way == way);
            assert!((found - expected).abs() < 0.01, "{way:?}: {found}");
        }
        let opening = Duration::from_secs(15);
        let late = share(&|buyer| buyer.arrives > opening);
        assert!((late - 0.1).abs() < 0.01, "{late} come after the opening");
        let early = share(&|buyer| buyer.arrives < opening.mul_f64(IN_TIME / 4.0));
        assert!((early - 0.45).abs() < 0.02, "{early} come in the first quarter");
    }

    #[test]
    fn thoughts_last_the_average_on_average() {
        let mut buyer = buyers(1).remove(0);
        let sum: f64 = (0..20_000).map(|_| buyer.thought().as_secs_f64()).sum();
        assert!((0.96..1.04).contains(&(sum / 20_000.0)), "{}", sum / 20_000.0);
    }
}
