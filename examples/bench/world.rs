//! Both sides on one private MariaDB with durable commits, and what fills them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use concert_core::private_db::{PrivateDatabase, Settings};
use concert_core::{
    AdmissionChange, BoxOffice, Clock, ConcertId, JwtKeys, Money, NewConcert, OpeningUser, Operator, Policy,
    QueueToken, ReservationId, SeatNumber, Section, SystemClock, UserId,
};
use secrecy::SecretString;
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::Failure;
use crate::baseline::Baseline;
use crate::processor::Meter;

/// What every seat costs.
pub const PRICE: u32 = 100;
/// How many acts are done at once when a row needs some to begin with.
const AT_ONCE: usize = 1_000;
/// How many users the rows about writes share: nobody holds more than a handful of seats at once.
pub const BUYERS: usize = 50_000;
/// The cap where everyone is to be ACTIVE.
const NO_CAP: u32 = 1_000_000;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Holds end before the turns do, as most do: a hold that outlasts its turn makes that longer, by one more update.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 3600);

/// A server with databases for the rows: most share one, those that need a queue or seats of their own do not.
pub struct World {
    server: PrivateDatabase,
    folder: TempDir,
    policy: Policy,
    sale: OnceCell<Sale>,
    queue: OnceCell<Pair>,
}

/// A box office and the seed's pattern, each in a database of its own.
pub struct Pair {
    pub office: BoxOffice,
    pub baseline: Baseline,
}

/// What the rows about writes share.
pub struct Sale {
    pub pair: Pair,
    /// ACTIVE, with money, on both sides.
    pub buyers: Arc<Vec<UserId>>,
}

impl World {
    /// The database of [`World::sale`].
    pub const SALE: &str = "sale";
    /// The database of [`World::queue`].
    pub const QUEUE: &str = "queue";

    /// A server whose memory takes the data of both sides, as an operator would give it; `server_options` come last.
    pub async fn open(mut server_options: Vec<String>, writers: Option<usize>) -> Result<Self, Failure> {
        server_options.insert(0, "--innodb-buffer-pool-size=2G".to_owned());
        let folder = tempfile::tempdir()?;
        let settings = Settings { server_options, ..Settings::default() };
        let server = PrivateDatabase::open(folder.path(), &settings).await?;
        // A few thousand users stand for a crowd, so none of them may run out of holds or of time.
        let policy = Policy::new(JwtKeys::new(&server.jwt_secret()?)?)
            .with_max_holds_per_user(1_000_000)
            .with_active_ttl(DAY)
            .with_after_payment_ttl(DAY)
            .with_claim_window(DAY)
            .with_hold_ttl(HALF_A_DAY);
        let policy = match writers {
            Some(writers) => policy.with_writers_per_lane(writers),
            None => policy,
        };
        Ok(Self { server, folder, policy, sale: OnceCell::new(), queue: OnceCell::new() })
    }

    /// What access tokens are signed with.
    pub fn jwt_secret(&self) -> Result<SecretString, Failure> {
        Ok(self.server.jwt_secret()?)
    }

    /// Reads the processor time of this process and of the server.
    pub fn meter(&self) -> Result<Meter, Failure> {
        Meter::open(&self.folder.path().join("mariadb").join("mariadb.pid"))
    }

    /// Where the database `name` is.
    pub async fn database(&self, name: &str) -> Result<MySqlConnectOptions, Failure> {
        Ok(self.server.database(name).await?)
    }

    /// Both sides on databases of their own.
    pub async fn pair(&self, name: &str) -> Result<Pair, Failure> {
        let baseline = Baseline::open(self.server.database(&format!("{name}_theirs")).await?).await?;
        Ok(Pair { office: self.office(name).await?, baseline })
    }

    /// Our side on a database of its own.
    pub async fn office(&self, name: &str) -> Result<BoxOffice, Failure> {
        let office = self.office_with(name, self.policy.clone(), Arc::new(SystemClock)).await?;
        office.migrate().await?;
        Ok(office)
    }

    /// The box office of another process, as far as the database can tell.
    pub async fn office_with(&self, name: &str, policy: Policy, clock: Arc<dyn Clock>) -> Result<BoxOffice, Failure> {
        Ok(BoxOffice::connect_with(self.server.database(name).await?, policy, clock).await?)
    }

    /// The arguments with which a server process works on the database `name`.
    pub async fn server_arguments(&self, name: &str) -> Result<[String; 4], Failure> {
        let url = self.server.database(name).await?.to_url_lossy();
        let secret: PathBuf = self.folder.path().join("jwt-secret");
        let secret = secret.to_str().ok_or("a temporary folder with an odd name")?.to_owned();
        Ok(["--database-url".to_owned(), url.to_string(), "--jwt-secret-file".to_owned(), secret])
    }

    /// Where most rows about writes are measured.
    pub async fn sale(&self) -> Result<&Sale, Failure> {
        let open = || async {
            let pair = self.pair(Self::SALE).await?;
            let buyers = pair.active_users(BUYERS).await?;
            Ok(Sale { pair, buyers })
        };
        self.sale.get_or_try_init(open).await
    }

    /// A queue in which so many wait, on both sides; the same for all rows that ask for it.
    pub async fn queue(&self, waiting: u32) -> Result<&Pair, Failure> {
        let open = || async {
            let pair = self.pair(Self::QUEUE).await?;
            wait_in_line(&pair.office, waiting).await?;
            pair.baseline.fill_waiting(waiting).await?;
            Ok(pair)
        };
        self.queue.get_or_try_init(open).await
    }

    pub async fn close(self) -> Result<(), Failure> {
        let (sale, queue) = (self.sale.into_inner(), self.queue.into_inner());
        for pair in sale.map(|sale| sale.pair).into_iter().chain(queue) {
            pair.close().await?;
        }
        Ok(self.server.stop().await?)
    }
}

impl Pair {
    /// Users with money on both sides.
    pub async fn users(&self, count: usize) -> Result<Vec<UserId>, Failure> {
        let users = users(&self.office, count).await?;
        self.baseline.add_users(&users).await?;
        Ok(users)
    }

    /// The same, ACTIVE.
    pub async fn active_users(&self, count: usize) -> Result<Arc<Vec<UserId>>, Failure> {
        let users = active_users(&self.office, count).await?;
        self.baseline.add_users(&users).await?;
        self.baseline.activate(&users).await?;
        Ok(Arc::new(users))
    }

    /// A concert with the same seats on both sides.
    pub async fn concert(&self, seats: u32) -> Result<ConcertId, Failure> {
        let id = concert(&self.office, seats).await?;
        self.baseline.add_seats(id, seats).await?;
        Ok(id)
    }

    pub async fn close(self) -> Result<(), Failure> {
        self.baseline.close().await;
        close(self.office).await
    }
}

/// Proves that the rows have left a database in which all invariants hold.
pub async fn close(office: BoxOffice) -> Result<(), Failure> {
    let violations = office.operator(Operator::application()).audit().await?;
    if !violations.is_empty() {
        return Err(format!("the audit found {violations:?}").into());
    }
    office.pool().close().await;
    Ok(())
}

/// Users with money.
pub async fn users(office: &BoxOffice, count: usize) -> Result<Vec<UserId>, Failure> {
    let balance = Money::whole(10_000_000)?;
    let mut users = Vec::with_capacity(count);
    for _ in 0..count {
        let id = UserId::generate();
        users.push(OpeningUser::new(id.to_string().parse()?).with_id(id).with_balance(balance));
    }
    office.operator(Operator::application()).add_users(&users).await?;
    Ok(users.into_iter().map(|user| user.id).collect())
}

/// The same, ACTIVE.
pub async fn active_users(office: &BoxOffice, count: usize) -> Result<Vec<UserId>, Failure> {
    let change = AdmissionChange::new().with_max_active(NO_CAP);
    office.operator(Operator::application()).set_admission(change).await?;
    let users = users(office, count).await?;
    join(office, &users).await?;
    Ok(users)
}

/// Has all of them join the queue, in no particular order.
pub async fn join(office: &BoxOffice, users: &[UserId]) -> Result<Vec<QueueToken>, Failure> {
    let mut tokens = Vec::with_capacity(users.len());
    for some in users.chunks(AT_ONCE) {
        let mut joining = JoinSet::new();
        for user in some {
            let (office, user) = (office.clone(), *user);
            joining.spawn(async move { office.issue_token(user).await });
        }
        for joined in joining.join_all().await {
            tokens.push(joined?.token);
        }
    }
    Ok(tokens)
}

/// A concert today.
pub async fn concert(office: &BoxOffice, seats: u32) -> Result<ConcertId, Failure> {
    let id = ConcertId::generate();
    let sections = vec![Section::plain(seats, Money::whole(PRICE)?)];
    let new = NewConcert::new("Bench", SystemClock.now().date_naive(), sections).with_id(id);
    office.operator(Operator::application()).add_concert(&new).await?;
    Ok(id)
}

/// Holds on the seats `1 ..= count`.
pub async fn holds(
    office: &BoxOffice,
    users: &[UserId],
    concert: ConcertId,
    count: usize,
) -> Result<Vec<(UserId, ReservationId)>, Failure> {
    let mut holding = JoinSet::new();
    let mut held = Vec::with_capacity(count);
    for nth in 0..count {
        let (office, user, seat) = (office.clone(), users[nth % users.len()], seat(nth)?);
        holding.spawn(async move { office.hold(user, concert, seat).await });
        if holding.len() >= AT_ONCE {
            held.extend(holding.join_next().await.transpose()?);
        }
    }
    held.extend(holding.join_all().await);
    held.into_iter().map(|hold| Ok(hold.map(|hold| (hold.user, hold.reservations[0].id))?)).collect()
}

/// People who wait, straight into the tables: joining them one by one is another row.
pub async fn wait_in_line(office: &BoxOffice, waiting: u32) -> Result<(), Failure> {
    let mut connection = office.pool().acquire().await?.detach();
    for setting in ["set session max_statement_time = 0", "set session max_recursive_iterations = 100000000"] {
        sqlx::query(setting).execute(&mut connection).await?;
    }
    sqlx::query(
        "insert into tokens (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) \
         with recursive n as (select 1 as i union all select i + 1 from n where i < ?) \
         select unhex(concat(lpad(hex(1700000000000 + i), 12, '0'), '7000', substr(md5(i), 1, 16))), unhex(md5(-i)), g.next_ticket + i - 1, 'WAITING', now(6), now(6) + interval 1 day, now(6), \
         g.change_seq + 1 from n, queue_gate g",
    )
    .bind(waiting)
    .execute(&mut connection)
    .await?;
    sqlx::query(
        "update queue_gate set next_ticket = next_ticket + ?, waiting = waiting + ?, change_seq = change_seq + 1",
    )
    .bind(waiting)
    .bind(waiting)
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// The seat with the index `nth`.
pub fn seat(nth: usize) -> Result<SeatNumber, Failure> {
    Ok(SeatNumber::new(nth as i64 + 1)?)
}
