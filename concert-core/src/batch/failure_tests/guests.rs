//! The smallest lane that there can be, on a private MariaDB: commands let guests into rooms.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use hashbrown::HashSet;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{Connection as _, Executor as _, MySqlConnection, MySqlPool, Row as _};
use tokio::sync::{OnceCell, Semaphore};
use uuid::Uuid;

use crate::batch::{Attempt, Batch, Decision, Lane};
use crate::clock::SystemClock;
use crate::db::Failure;
use crate::error::Error;
use crate::fact::Assumptions;
use crate::office_clock::OfficeClock;
use crate::private_db::{PrivateDatabase, Settings};
use crate::sql::{ResultSet, Script, Statement, Text, statements};

statements! {
    LOCK_ROOMS { "select id from rooms force index (primary) where id in ({rooms}) for update" }
    MADE { "select id from guests where id in ({ids})" }
    FILL { "update rooms set guests = guests + 1 where {guard}id in ({rooms})" }
    INSERT { insert "guests" (id, room, name) }
}
const _: &[Statement] = STATEMENTS;

/// What a batch does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Lock,
    Assume,
    Decide,
    Write,
    Complete,
    Committed,
}

/// Lets a guest into a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest {
    pub(super) id: u32,
    pub(super) room: u32,
    /// The server refuses one that is longer than eight letters.
    pub(super) name: &'static str,
    pub(super) panics_in: Option<Step>,
}

impl Guest {
    /// One that has a room alone.
    pub(super) fn of_room(id: u32) -> Self {
        Self { id, room: id, name: "guest", panics_in: None }
    }
}

pub(super) struct Guests {
    pub(super) may_assume: bool,
    /// How many commands were to be locked, each time.
    pub(super) locked: Arc<Mutex<Vec<usize>>>,
    /// Locking waits for it.
    pub(super) may_lock: Arc<Semaphore>,
}

fn panic_if(step: Step, guests: &[Guest]) {
    assert!(!guests.iter().any(|guest| guest.panics_in == Some(step)), "a panic that the test asked for");
}

impl Batch for Guests {
    const NAME: &'static str = "guests";
    type Command = Guest;
    type Answer = u32;
    /// Those who are in already.
    type Rows = HashSet<u32>;
    type Effects = Vec<Guest>;

    fn key(guest: &Guest) -> Uuid {
        Uuid::from_u128(guest.id.into())
    }

    async fn lock(
        &self,
        connection: &mut MySqlConnection,
        commands: &[Guest],
        attempt: &Attempt,
    ) -> Result<HashSet<u32>, Failure> {
        self.locked.lock().expect("no panic").push(commands.len());
        let _permit = self.may_lock.acquire().await;
        panic_if(Step::Lock, commands);
        let mut script = Script::default();
        let rooms = commands.iter().map(|guest| guest.room).collect();
        script.select_keys(&LOCK_ROOMS, rooms, |params, rooms| params.list("rooms", rooms));
        let looked_up = commands.iter().filter(|_| attempt.may_have_committed).map(|guest| guest.id).collect();
        let made = script.select_keys(&MADE, looked_up, |params, ids| params.list("ids", ids));
        let selected = script.run(connection).await?;
        Ok(selected.rows(&made).map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?)
    }

    fn decide(&self, made: HashSet<u32>, commands: &[Guest], _attempt: &Attempt) -> Decision<Self> {
        panic_if(Step::Decide, commands);
        let effects = commands.iter().filter(|guest| !made.contains(&guest.id)).copied().collect();
        Decision { answers: commands.iter().map(|guest| Ok(guest.id)).collect(), effects }
    }

    fn write(&self, script: &mut Script, effects: &Vec<Guest>, _attempt: &Attempt) {
        panic_if(Step::Write, effects);
        for guest in effects {
            script.change("filling a room", Some(1), &FILL, |params| params.list("rooms", [guest.room]));
        }
        script.insert(&INSERT, effects, |row, guest| {
            row.bind("id", guest.id).bind("room", guest.room).bind("name", Text(guest.name))
        });
    }

    fn assume(&self, commands: &[Guest], _assumptions: &Assumptions, _attempt: &Attempt) -> Option<HashSet<u32>> {
        panic_if(Step::Assume, commands);
        self.may_assume.then(HashSet::new)
    }

    fn complete(
        &self,
        _answers: &mut [Result<u32, Error>],
        effects: &Vec<Guest>,
        _selected: &ResultSet,
    ) -> Result<(), sqlx::Error> {
        panic_if(Step::Complete, effects);
        Ok(())
    }

    fn committed(&self, effects: Vec<Guest>) {
        panic_if(Step::Committed, &effects);
    }
}

/// A lane with one writer, on a database of its own.
pub(super) struct House {
    pub(super) lane: Arc<Lane<Guests>>,
    pub(super) locked: Arc<Mutex<Vec<usize>>>,
    pub(super) may_lock: Arc<Semaphore>,
    pub(super) pool: MySqlPool,
}

impl House {
    pub(super) async fn open(may_assume: bool, capacity: usize) -> Self {
        let pool = MySqlPoolOptions::new().connect_lazy_with(database().await);
        for table in [
            "create table rooms (id int unsigned primary key, guests int unsigned not null default 0)",
            "create table guests (id int unsigned primary key, room int unsigned not null, name varchar(8) not null)",
        ] {
            pool.execute(table).await.expect("makes a table");
        }
        for room in 0..32 {
            sqlx::query("insert into rooms (id) values (?)").bind(room).execute(&pool).await.expect("adds a room");
        }
        let (locked, clock) = (Arc::default(), Arc::new(OfficeClock::new(Arc::new(SystemClock))));
        let may_lock = Arc::new(Semaphore::new(1));
        let guests = Guests { may_assume, locked: Arc::clone(&locked), may_lock: Arc::clone(&may_lock) };
        let lane = Arc::new(Lane::start(guests, 1, capacity, &pool, &clock));
        Self { lane, locked, may_lock, pool }
    }

    /// Sent before the writer takes its first batch, so all in one.
    pub(super) async fn at_once(&self, guests: impl IntoIterator<Item = Guest>) -> Vec<Result<u32, Error>> {
        futures_util::future::join_all(guests.into_iter().map(|guest| self.lane.submit(guest))).await
    }

    /// Who is in, each once, and counted by the room.
    pub(super) async fn guests(&self) -> Vec<u32> {
        let query = "select g.id from guests g join rooms r on r.id = g.room where r.guests = 1 order by g.id";
        sqlx::query_scalar(query).fetch_all(&self.pool).await.expect("reads")
    }

    /// A connection that keeps a room locked until it commits.
    pub(super) async fn lock_room(&self, room: u32) -> MySqlConnection {
        let mut other = MySqlConnection::connect_with(&self.pool.connect_options()).await.expect("connects");
        other.execute("start transaction").await.expect("begins");
        let lock = sqlx::query("select id from rooms where id = ? for update");
        lock.bind(room).fetch_all(&mut other).await.expect("locks");
        other
    }
}

static SERVER: OnceCell<PrivateDatabase> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of its own on the private server of this test run, in the folder that the test's binary is in.
async fn database() -> MySqlConnectOptions {
    let server = SERVER.get_or_init(|| async {
        let parent: PathBuf = std::env::current_exe().expect("a binary").parent().expect("a folder").into();
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            // A run's server ends with it.
            if File::open(entry.path().join("owner.lock")).is_ok_and(|lock| lock.try_lock().is_ok()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let folder = parent.join(format!("mariadb-{}", std::process::id()));
        PrivateDatabase::open(&folder, &Settings { durable: false, server_options: Vec::new() }).await.expect("starts")
    });
    let name = format!("batch_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    server.await.database(&name).await.expect("makes a database")
}
