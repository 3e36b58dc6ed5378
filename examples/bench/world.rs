//! Both sides on one private MariaDB with durable commits, and what fills them.

use std::sync::Arc;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    BoxOffice, Clock as _, ConcertId, JwtKeys, Money, NewConcert, OpeningUser, Policy, ReservationId, SeatNumber,
    Section, SystemClock, UserId,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::Failure;
use crate::baseline::Baseline;

/// What every seat costs.
pub const PRICE: u32 = 100;
/// How many acts are done at once when a row needs some to begin with.
const AT_ONCE: usize = 1_000;

/// A box office and the seed's pattern, each in a database of its own on one server.
pub struct World {
    pub office: BoxOffice,
    pub baseline: Baseline,
    server: PrivateDatabase,
    _folder: TempDir,
    buyers: OnceCell<Arc<Vec<UserId>>>,
}

impl World {
    pub async fn open(server_options: Vec<String>) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let settings = Settings { server_options, ..Settings::default() };
        let server = PrivateDatabase::open(folder.path(), &settings).await?;
        let mut policy = Policy::new(JwtKeys::new(&server.jwt_secret()?)?);
        // A few thousand users stand for a crowd, so none of them may run out of holds or of time.
        policy.max_holds_per_user = 1_000_000;
        policy.active_ttl = std::time::Duration::from_secs(24 * 3600);
        policy.after_payment_ttl = policy.active_ttl;
        let clock = Arc::new(SystemClock);
        let office = BoxOffice::connect_with(server.database("ours").await?, policy, clock).await?;
        office.migrate().await?;
        office.set_max_active(100_000).await?;
        let baseline = Baseline::open(server.database("theirs").await?).await?;
        Ok(Self { office, baseline, server, _folder: folder, buyers: OnceCell::new() })
    }

    /// Another process's box office, as far as the database can tell.
    pub async fn another_office(&self) -> Result<BoxOffice, Failure> {
        let policy = self.office.policy().clone();
        Ok(BoxOffice::connect_with(self.server.database("ours").await?, policy, Arc::new(SystemClock)).await?)
    }

    /// Users with money on both sides.
    pub async fn users(&self, count: usize) -> Result<Vec<UserId>, Failure> {
        let balance = Money::whole(10_000_000)?;
        let mut users = Vec::with_capacity(count);
        for _ in 0..count {
            let id = UserId::generate();
            users.push(OpeningUser { id, username: id.to_string().parse()?, balance });
        }
        self.office.add_users(&users, |_| {}).await?;
        let users: Vec<_> = users.into_iter().map(|user| user.id).collect();
        self.baseline.add_users(&users).await?;
        Ok(users)
    }

    /// The same, ACTIVE.
    pub async fn active_users(&self, count: usize) -> Result<Arc<Vec<UserId>>, Failure> {
        let users = self.users(count).await?;
        for some in users.chunks(AT_ONCE) {
            let mut joining = JoinSet::new();
            for user in some {
                let (office, user) = (self.office.clone(), *user);
                joining.spawn(async move { office.issue_token(user).await });
            }
            while let Some(joined) = joining.join_next().await {
                joined??;
            }
        }
        self.baseline.activate(&users).await?;
        Ok(Arc::new(users))
    }

    /// ACTIVE users that all rows about writes share.
    pub async fn buyers(&self, count: usize) -> Result<Arc<Vec<UserId>>, Failure> {
        self.buyers.get_or_try_init(|| self.active_users(count)).await.map(Arc::clone)
    }

    /// A concert with the same seats on both sides.
    pub async fn concert(&self, seats: u32) -> Result<ConcertId, Failure> {
        let id = ConcertId::generate();
        let sections = vec![Section { seats, price: Money::whole(PRICE)? }];
        let new = NewConcert { id, name: "Bench".to_owned(), date: SystemClock.now().date_naive(), sections };
        self.office.add_concert(&new, |_| {}).await?;
        self.baseline.add_seats(id, seats).await?;
        Ok(id)
    }

    /// Holds on the seats `from + 1 ..= from + count`, to be paid.
    pub async fn holds(
        &self,
        users: &[UserId],
        concert: ConcertId,
        from: usize,
        count: usize,
    ) -> Result<Vec<(UserId, ReservationId)>, Failure> {
        let mut holding = JoinSet::new();
        let mut held = Vec::with_capacity(count);
        for nth in 0..count {
            let (office, user) = (self.office.clone(), users[nth % users.len()]);
            let seat = seat(from + nth)?;
            holding.spawn(async move { office.reserve(user, concert, seat).await });
            if holding.len() >= AT_ONCE {
                held.extend(holding.join_next().await.transpose()?);
            }
        }
        held.extend(holding.join_all().await);
        let mut pairs = Vec::with_capacity(count);
        for hold in held {
            let hold = hold?;
            pairs.push((hold.user, hold.id));
        }
        Ok(pairs)
    }

    pub async fn close(self) -> Result<(), Failure> {
        let violations = self.office.audit().await?;
        if !violations.is_empty() {
            return Err(format!("the audit found {violations:?}").into());
        }
        Ok(self.server.stop().await?)
    }
}

/// The seat with the index `nth`.
pub fn seat(nth: usize) -> Result<SeatNumber, Failure> {
    Ok(SeatNumber::new(nth as i64 + 1)?)
}
