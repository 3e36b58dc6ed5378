//! The stage: the database, the servers and those who will come.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use concert_core::private_db::{DATABASE, DEFAULT_DATA_DIR, PrivateDatabase, Settings};
use concert_core::{BoxOffice, JwtKeys, OpeningUser, Operator, Policy, Role, SecretString, SystemClock, UserId};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use uuid::Uuid;

use crate::Failure;
use crate::desk::Desk;
use crate::opts::{Opts, People};
use crate::server::{Memory, Server};

/// Requests are not logged, as `make demo` does not.
const SERVER_LOG: &str = "info,concert_server::http=warn";
/// How many users are made at once.
const USERS_AT_ONCE: usize = 50_000;

pub struct Stage {
    /// The library on the servers' database: for setting up, for looking at the queue, for the end.
    pub office: BoxOffice,
    /// One for each server.
    pub addresses: Vec<SocketAddr>,
    /// The operator, at the first server.
    pub desk: Desk,
    /// Without passwords: they join by id alone.
    pub users: Vec<UserId>,
    servers: Vec<Server>,
    private: Option<PrivateDatabase>,
    _folder: Option<TempDir>,
}

impl Stage {
    pub async fn set(opts: &Opts) -> Result<Self, Failure> {
        let mut folder = None;
        let (office, private) = match &opts.database_url {
            Some(url) if !opts.start_server => (BoxOffice::connect(url, policy(opts, None)?).await?, None),
            _ => {
                let path = data_dir(opts, &mut folder)?;
                let private = PrivateDatabase::open(&path, &Settings::default()).await?;
                let options = private.database(DATABASE).await?;
                let policy = policy(opts, Some(private.jwt_secret()?))?;
                (BoxOffice::connect_with(options, policy, Arc::new(SystemClock)).await?, Some(private))
            }
        };
        let mut servers = Vec::new();
        if let Some(private) = private.as_ref().filter(|_| opts.start_server) {
            office.migrate().await?;
            for _ in 0..opts.rules.servers {
                servers.push(start_server(opts, private.data_dir()).await?);
            }
        }
        let mut addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        if !opts.start_server {
            for url in &opts.urls {
                addresses.push(tokio::net::lookup_host(url).await?.next().ok_or("the server's name has no address")?);
            }
        }
        // As `concert-cli key make` makes one: the first key cannot come over REST.
        let name: Operator = format!("rehearsal-{}", Uuid::now_v7()).parse()?;
        let key = office.operator(Operator::application()).make_key(&name, Role::Operator).await?.secret;
        let desk = Desk::new(addresses[0], key.expose_secret());
        let users = invite(&office, &opts.people).await?;
        Ok(Self { office, addresses, desk, users, servers, private, _folder: folder })
    }

    /// What the servers that were started here use of the machine's memory, together.
    pub fn server_memory(&self) -> Option<Memory> {
        let each = self.servers.iter().filter_map(|server| server.memory().ok());
        each.reduce(|a, b| Memory { resident: a.resident + b.resident, peak: a.peak + b.peak })
    }

    /// Stops what was started here.
    pub async fn strike(self) -> Result<(), Failure> {
        for server in self.servers {
            server.stop().await?;
        }
        self.office.pool().close().await;
        if let Some(private) = self.private {
            private.stop().await?;
        }
        Ok(())
    }
}

/// With the servers' own secret where people are logged in; else nothing here makes or reads access tokens.
fn policy(opts: &Opts, private: Option<SecretString>) -> Result<Policy, Failure> {
    let secret = match opts.browsers.jwt_secret.clone().map(SecretString::from).or(private) {
        Some(secret) => secret,
        None if opts.browsers.with_pages => {
            return Err("with --with-pages and a database URL, say --jwt-secret: people are logged in".into());
        }
        None => SecretString::from(format!("{}{}", Uuid::new_v4(), Uuid::new_v4())),
    };
    Ok(Policy::new(JwtKeys::new(&secret)?))
}

fn data_dir(opts: &Opts, temporary: &mut Option<TempDir>) -> Result<PathBuf, Failure> {
    Ok(match &opts.data_dir {
        Some(folder) => folder.clone(),
        None if opts.start_server => temporary.insert(tempfile::tempdir()?).path().to_owned(),
        None => DEFAULT_DATA_DIR.into(),
    })
}

async fn start_server(opts: &Opts, folder: &Path) -> Result<Server, Failure> {
    let folder = folder.to_str().ok_or("a folder with an odd name")?;
    let mut arguments = opts.rules.arguments(&opts.people);
    arguments.extend(["--data-dir".to_owned(), folder.to_owned()]);
    Ok(Server::start(&arguments, SERVER_LOG).await?.0)
}

async fn invite(office: &BoxOffice, people: &People) -> Result<Vec<UserId>, Failure> {
    let ids: Vec<_> = (0..people.buyers).map(|_| UserId::generate()).collect();
    for some in ids.chunks(USERS_AT_ONCE) {
        let named = |id: &UserId| Ok(OpeningUser::new(format!("rehearsal-{id}").parse()?).with_id(*id));
        let users = some.iter().map(named).collect::<Result<Vec<_>, Failure>>()?;
        office.operator(Operator::application()).add_users(&users).await?;
    }
    Ok(ids)
}
