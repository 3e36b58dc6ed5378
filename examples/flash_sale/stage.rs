//! The stage: the database, the server, the concert and those who will come.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Days;
use concert_core::private_db::{DATABASE, DEFAULT_DATA_DIR, PrivateDatabase, Settings};
use concert_core::{
    BoxOffice, ConcertId, JwtKeys, Money, NewConcert, OpeningUser, Operator, Policy, SecretString, Section,
    SystemClock, UserId,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::Failure;
use crate::opts::{Opts, People};
use crate::server::{Memory, Server};
use crate::wire::{Client, request};

/// Front to back: what part of the hall, in percent, and what a seat costs there.
const SECTIONS: [(u32, u32); 3] = [(10, 150), (30, 120), (60, 80)];
/// Requests are not logged, as `make demo` does not.
const SERVER_LOG: &str = "info,concert_server::http=warn";

pub struct Stage {
    /// The library on the server's database: for setting up, for looking at the queue, for the end.
    pub office: BoxOffice,
    pub address: SocketAddr,
    pub concert: ConcertId,
    /// Without passwords: they join by id alone.
    pub users: Vec<UserId>,
    server: Option<Server>,
    private: Option<PrivateDatabase>,
    _folder: Option<TempDir>,
}

impl Stage {
    pub async fn set(opts: &Opts) -> Result<Self, Failure> {
        let mut folder = None;
        let (office, private) = match &opts.database_url {
            Some(url) if !opts.start_server => (BoxOffice::connect(url, policy()?).await?, None),
            _ => {
                let path = data_dir(opts, &mut folder)?;
                let private = PrivateDatabase::open(&path, &Settings::default()).await?;
                let options = private.database(DATABASE).await?;
                (BoxOffice::connect_with(options, policy()?, Arc::new(SystemClock)).await?, Some(private))
            }
        };
        let server = match &private {
            Some(private) if opts.start_server => {
                office.migrate().await?;
                Some(start_server(opts, private.data_dir()).await?)
            }
            _ => None,
        };
        let address = match &server {
            Some(server) => server.address,
            None => tokio::net::lookup_host(&opts.url).await?.next().ok_or("the server's name has no address")?,
        };
        let concert = put_on_sale(&office, &opts.people).await?;
        let users = invite(&office, &opts.people).await?;
        let stage = Self { office, address, concert, users, server, private, _folder: folder };
        stage.check_server().await?;
        Ok(stage)
    }

    /// The server must show what was put on sale, else it works on another database.
    async fn check_server(&self) -> Result<(), Failure> {
        let address = self.address;
        let mut client = Client::connect(address).await.map_err(|error| format!("no server at {address}: {error}"))?;
        let path = format!("/api/v1/reservations/{}/seats", self.concert);
        match client.ask(&request("GET", &path, &[], None)).await?.status {
            200 => Ok(()),
            status => Err(format!(
                "the server at {address} answers {status} about the concert that was just put on sale: it works on \
                 another database than --database-url or --data-dir name"
            )
            .into()),
        }
    }

    /// What a server that was started here uses of the machine's memory.
    pub fn server_memory(&self) -> Option<Memory> {
        self.server.as_ref().and_then(|server| server.memory().ok())
    }

    /// Stops what was started here.
    pub async fn strike(self) -> Result<(), Failure> {
        if let Some(server) = self.server {
            server.stop().await?;
        }
        self.office.pool().close().await;
        if let Some(private) = self.private {
            private.stop().await?;
        }
        Ok(())
    }
}

/// Nothing here makes or reads access tokens.
fn policy() -> Result<Policy, Failure> {
    let secret = SecretString::from(format!("{}{}", Uuid::new_v4(), Uuid::new_v4()));
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

async fn put_on_sale(office: &BoxOffice, people: &People) -> Result<ConcertId, Failure> {
    let now = office.now();
    let date = now.date_naive().checked_add_days(Days::new(1)).ok_or("the end of time")?;
    let name = format!("Rehearsal of {}", now.format("%F %T"));
    let concert = NewConcert::new(name, date, sections(people.seats)?);
    office.operator(Operator::application()).add_concert(&concert).await?;
    Ok(concert.id)
}

fn sections(seats: u32) -> Result<Vec<Section>, Failure> {
    let (mut sections, mut percent, mut before) = (Vec::new(), 0, 0);
    for (part, price) in SECTIONS {
        percent += part;
        let up_to = (u64::from(seats) * u64::from(percent) / 100) as u32;
        if up_to > before {
            sections.push(Section::plain(up_to - before, Money::whole(price)?));
        }
        before = up_to;
    }
    Ok(sections)
}

async fn invite(office: &BoxOffice, people: &People) -> Result<Vec<UserId>, Failure> {
    let mut users = Vec::with_capacity(people.buyers as usize);
    for _ in 0..people.buyers {
        let id = UserId::generate();
        users.push(OpeningUser::new(format!("rehearsal-{id}").parse()?).with_id(id));
    }
    office.operator(Operator::application()).add_users(&users).await?;
    Ok(users.into_iter().map(|user| user.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sections_add_up_to_the_hall() {
        for seats in [1, 2, 3, 9, 10, 11, 200, 10_000, 999_999] {
            let sections = sections(seats).expect("prices are amounts");
            assert_eq!(sections.iter().map(Section::seats).sum::<u64>(), u64::from(seats));
        }
    }
}
