//! Brakes: how much one address, one user and one name may ask for, so that nobody is locked out by somebody else's flood.
//!
//! Each brake has a [`Limit`] and a bucket per key; a request that finds its bucket empty is refused with 429. What can
//! be told from the address is checked before a body is read, what needs to know the user after the access token. Each
//! process counts for itself: with n servers, n times as much gets through.
//!
//! A name is never braked as such, or strangers could lock its owner out: attempts are counted by address and name
//! together. The addresses of this machine are exempt unless [`BrakeOptions::brake_loopback`] says otherwise.

mod buckets;
mod limit;
mod options;
mod origin;

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use concert_core::{UserId, Username};
use warp::http::HeaderMap;

pub use self::buckets::BrakeClock;
use self::buckets::Buckets;
pub use self::limit::Limit;
pub use self::options::BrakeOptions;
pub use self::origin::Network;

/// What is braked, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brake {
    CallsPerAddress,
    JoinsPerAddress,
    LogInsPerAddress,
    SignUpsPerAddress,
    AttemptsPerName,
    CallsPerUser,
    JoinsPerUser,
    GiveBacksPerUser,
    WrongCodesPerAddress,
    WrongCodesPerUser,
}

impl Brake {
    const ALL: [Self; 10] = [
        Self::CallsPerAddress,
        Self::JoinsPerAddress,
        Self::LogInsPerAddress,
        Self::SignUpsPerAddress,
        Self::AttemptsPerName,
        Self::CallsPerUser,
        Self::JoinsPerUser,
        Self::GiveBacksPerUser,
        Self::WrongCodesPerAddress,
        Self::WrongCodesPerUser,
    ];

    /// Its name, in metrics and headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CallsPerAddress => "calls-per-address",
            Self::JoinsPerAddress => "joins-per-address",
            Self::LogInsPerAddress => "log-ins-per-address",
            Self::SignUpsPerAddress => "sign-ups-per-address",
            Self::AttemptsPerName => "attempts-per-name",
            Self::CallsPerUser => "calls-per-user",
            Self::JoinsPerUser => "joins-per-user",
            Self::GiveBacksPerUser => "give-backs-per-user",
            Self::WrongCodesPerAddress => "wrong-codes-per-address",
            Self::WrongCodesPerUser => "wrong-codes-per-user",
        }
    }

    /// What there were too many of.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::CallsPerAddress => "calls from this address",
            Self::JoinsPerAddress => "calls that join the queue from this address",
            Self::LogInsPerAddress => "log-ins from this address",
            Self::SignUpsPerAddress => "sign-ups from this address",
            Self::AttemptsPerName => "log-ins or sign-ups with this name from this address",
            Self::CallsPerUser => "calls by this user",
            Self::JoinsPerUser => "calls that join the queue by this user",
            Self::GiveBacksPerUser => "holds given back by this user",
            Self::WrongCodesPerAddress => "access codes that do not count from this address",
            Self::WrongCodesPerUser => "access codes that do not count by this user",
        }
    }
}

/// A request that a brake stops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Braked {
    pub(crate) brake: Brake,
    pub(crate) limit: Limit,
    /// How long until the next one gets through.
    pub(crate) wait: Duration,
}

/// A client that is not exempt: a hash of its address, or of its network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(u64);

/// The brakes of a server. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Brakes(Arc<Inner>);

struct Inner {
    options: BrakeOptions,
    /// By brake.
    buckets: [Option<Buckets>; Brake::ALL.len()],
    /// Makes keys that nobody outside can foresee.
    keys: RandomState,
}

impl Brakes {
    /// Brakes with these options, all of whose buckets are full.
    #[must_use]
    pub fn new(options: BrakeOptions, clock: &BrakeClock) -> Self {
        let buckets = Brake::ALL.map(|brake| Buckets::new(options.limit(brake), clock));
        Self(Arc::new(Inner { options, buckets, keys: RandomState::new() }))
    }

    /// The client that a request comes from, as the log names it, and as the brakes know it; `None`: it is exempt.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, Option<Client>) {
        let options = &self.0.options;
        let origin = origin::origin(peer, headers, &options.trust_proxy);
        // What only seems to be this machine may be anybody behind its proxy.
        let is_exempt = origin.address.is_loopback() && origin.is_certain && !options.brake_loopback;
        // With a random key of this process, so that nobody outside can choose addresses that share a bucket.
        let client = (!is_exempt).then(|| Client(self.0.keys.hash_one(origin::group(origin.address))));
        (origin.address, client)
    }

    /// What a connection from `peer` is counted as; `None`: it is exempt. A proxy brings the connections of many.
    pub(crate) fn connection(&self, peer: IpAddr) -> Option<IpAddr> {
        let (options, peer) = (&self.0.options, peer.to_canonical());
        let is_exempt =
            (peer.is_loopback() && !options.brake_loopback) || origin::is_trusted(peer, &options.trust_proxy);
        (!is_exempt).then(|| origin::group(peer))
    }

    /// A call to a route that has `of_route` beside the brake of all calls.
    pub(crate) fn call(&self, client: Client, of_route: Option<Brake>) -> Result<(), Braked> {
        self.take(Brake::CallsPerAddress, client.0)?;
        of_route.map_or(Ok(()), |brake| self.take(brake, client.0))
    }

    /// A log-in or a sign-up, before its password costs anything. Counted before it is known how it ends, so that many at
    /// once are no more than one after the other.
    pub(crate) fn attempt(&self, Client(client): Client, username: &str) -> Result<(), Braked> {
        let name = username.parse::<Username>();
        // Spellings that are one name share a bucket; what is no name at all has one by its text.
        let name = name.as_ref().map_or(username, Username::key);
        self.take(Brake::AttemptsPerName, self.key((client, name)))
    }

    /// A call of a user who has proved to be that user.
    pub(crate) fn user_call(&self, user: UserId) -> Result<(), Braked> {
        self.take(Brake::CallsPerUser, self.key(user.as_uuid()))
    }

    /// A join. `client`: of a caller who has proved nothing. Strangers cannot use up what the user has.
    pub(crate) fn join(&self, user: UserId, client: Option<Client>) -> Result<(), Braked> {
        self.take(Brake::JoinsPerUser, self.key((user.as_uuid(), client.map(|client| client.0))))
    }

    /// A join with a code: refused to a client and to a user who have shown too many that do not count. Strangers cannot use up
    /// what the user has.
    pub(crate) fn code(&self, client: Client, user: UserId, is_proved: bool) -> Result<(), Braked> {
        let key = self.code_key(client, user, is_proved);
        // Looked at only: what empties these buckets is a refusal, which is known after the box office has answered.
        self.pass(Brake::WrongCodesPerUser, |buckets| buckets.look(key))?;
        self.pass(Brake::WrongCodesPerAddress, |buckets| buckets.look(client.0))
    }

    /// A code that did not count.
    pub(crate) fn refused_code(&self, client: Client, user: UserId, is_proved: bool) {
        let keys = [
            (Brake::WrongCodesPerUser, self.code_key(client, user, is_proved)),
            (Brake::WrongCodesPerAddress, client.0),
        ];
        for (brake, key) in keys {
            if let Some(buckets) = &self.0.buckets[brake as usize] {
                let _ = buckets.take(key);
            }
        }
    }

    fn code_key(&self, client: Client, user: UserId, is_proved: bool) -> u64 {
        self.key((user.as_uuid(), (!is_proved).then_some(client.0)))
    }

    /// A hold: refused to a user who has given too many back.
    pub(crate) fn hold(&self, user: UserId) -> Result<(), Braked> {
        self.pass(Brake::GiveBacksPerUser, |buckets| buckets.look(self.key(user.as_uuid())))
    }

    /// A hold that was given back, or a queue that was left with all that was held. Giving back is never refused: the seat
    /// is for others.
    pub(crate) fn gave_back(&self, user: UserId) {
        if let Some(buckets) = &self.0.buckets[Brake::GiveBacksPerUser as usize] {
            let _ = buckets.take(self.key(user.as_uuid()));
        }
    }

    /// Forgets who has not been seen for a while.
    pub(crate) fn forget_unused(&self) {
        self.0.buckets.iter().flatten().for_each(Buckets::forget_unused);
    }

    fn take(&self, brake: Brake, key: u64) -> Result<(), Braked> {
        self.pass(brake, |buckets| buckets.take(key))
    }

    fn pass(&self, brake: Brake, ask: impl FnOnce(&Buckets) -> Result<(), Duration>) -> Result<(), Braked> {
        let Some(buckets) = &self.0.buckets[brake as usize] else { return Ok(()) };
        ask(buckets).map_err(|wait| {
            metrics::counter!("concert_brakes_total", "brake" => brake.name()).increment(1);
            Braked { brake, limit: self.0.options.limit(brake), wait }
        })
    }

    fn key(&self, of: impl Hash) -> u64 {
        self.0.keys.hash_one(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brakes_are_kept_by_their_place() {
        for (place, brake) in Brake::ALL.into_iter().enumerate() {
            assert_eq!(brake as usize, place, "{}", brake.name());
        }
    }

    #[test]
    fn the_defaults_admit_ten_thousand_joins_a_minute_from_one_address() {
        let (options, clock) = (BrakeOptions::default(), BrakeClock::manual());
        let brakes = Brakes::new(options, &clock);
        let (_, client) = brakes.client(IpAddr::from([203, 0, 113, 9]), &HeaderMap::new());
        let client = client.expect("not exempt");
        for _ in 0..10 {
            let all = (0..10_000).all(|_| brakes.call(client, Some(Brake::JoinsPerAddress)).is_ok());
            assert!(all);
            clock.advance(Duration::from_secs(60));
        }
        let refused = (0..20_000).find_map(|_| brakes.call(client, Some(Brake::JoinsPerAddress)).err());
        assert_eq!(refused.map(|braked| braked.brake), Some(Brake::JoinsPerAddress));
    }

    /// Prints what a poll pays for its brakes: run with --release --ignored --nocapture.
    #[test]
    #[ignore = "a measurement"]
    fn the_cost_of_a_poll() {
        let (options, headers) = (BrakeOptions::default(), HeaderMap::new());
        let brakes = Brakes::new(
            BrakeOptions { calls_per_address: "10000000/1s".parse().expect("a limit"), ..options },
            &BrakeClock::system(),
        );
        let user = UserId::generate();
        const POLLS: u32 = 5_000_000;
        for exempt in [true, false] {
            let begun = std::time::Instant::now();
            for number in 0..POLLS {
                let peer = if exempt { [127, 0, 0, 1] } else { [10, 0, (number >> 8) as u8, number as u8] };
                if let (_, Some(client)) = brakes.client(IpAddr::from(peer), &headers) {
                    let _ = std::hint::black_box(brakes.call(client, None));
                    let _ = std::hint::black_box(brakes.user_call(user));
                }
            }
            println!("exempt {exempt}: {:?} a poll", begun.elapsed() / POLLS);
        }
    }
}
