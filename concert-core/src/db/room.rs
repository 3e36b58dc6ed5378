//! How many connections the server leaves to a box office.

use sqlx::{Executor as _, MySqlConnection, Row as _};

use super::bounds::{CONNECT, within};
use crate::error::Error;

/// The most connections of reads.
const MOST_READERS: u32 = 16;
/// The fewest connections of reads with which a box office still serves a crowd.
const FEWEST_READERS: u32 = 4;
/// How many more reads may take than they need.
pub(crate) const MORE_READERS: u32 = MOST_READERS - FEWEST_READERS;
/// Readiness, and one for what takes long: the audit, the figures, a migration.
const BESIDE: u32 = 2;

/// The server's limits on connections; `None`: it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// `max_connections`.
    of_server: Option<u64>,
    /// `max_user_connections`: of this account.
    of_account: Option<u64>,
}

impl Room {
    pub(crate) const UNKNOWN: Self = Self { of_server: None, of_account: None };

    pub(crate) async fn ask(connection: &mut MySqlConnection) -> Result<Self, sqlx::Error> {
        const LIMITS: &str =
            "select cast(@@global.max_connections as signed), cast(@@session.max_user_connections as signed)";
        let row = within(CONNECT, connection.fetch_one(LIMITS)).await?;
        // 0 and, on MariaDB, -1 say that there is no limit.
        let limit =
            |column| row.try_get::<i64, _>(column).map(|limit| u64::try_from(limit).ok().filter(|most| *most > 0));
        Ok(Self { of_server: limit(0)?, of_account: limit(1)? })
    }

    fn most(self) -> u64 {
        self.of_server.unwrap_or(u64::MAX).min(self.of_account.unwrap_or(u64::MAX))
    }

    /// How many connections reads may have beside those of `writers`.
    pub(crate) fn readers_beside(self, writers: usize) -> u32 {
        let left = self.most().saturating_sub(writers as u64 + u64::from(BESIDE));
        // Where fewer than the fewest are left, `check` refuses the server.
        u32::try_from(left).unwrap_or(u32::MAX).clamp(FEWEST_READERS, MOST_READERS)
    }

    /// How many connections are left beside those of `writers` and as many of reads as they take at most.
    pub(crate) fn spare(self, writers: usize) -> u32 {
        let left = self.most().saturating_sub(writers as u64 + u64::from(BESIDE + MOST_READERS));
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Refuses a server that allows fewer connections than a box office with `writers` needs.
    pub(crate) fn check(self, writers: usize) -> Result<(), Error> {
        let needed = needed(writers);
        if self.most() >= needed as u64 {
            return Ok(());
        }
        let which = if self.of_account.is_some_and(|most| most < needed as u64) {
            "max_user_connections of its account"
        } else {
            "max_connections"
        };
        Err(Error::Setup(format!("a box office needs {needed} connections, and {which} is {}", self.most())))
    }
}

/// The connections that a box office with `writers` needs.
pub(crate) const fn needed(writers: usize) -> usize {
    writers + (BESIDE + FEWEST_READERS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b11_readers_get_what_the_writers_leave() {
        let room = |most| Room { of_server: Some(most), of_account: None };
        let readers = [10, 16, 17, 20, 28, 500].map(|most| room(most).readers_beside(10));
        assert_eq!(readers, [4, 4, 5, 8, 16, 16]);
        assert_eq!(Room::UNKNOWN.readers_beside(10), 16);
        assert_eq!([16, 28, 29, 40].map(|most| room(most).spare(10)), [0, 0, 1, 12]);
    }

    #[test]
    fn b11_too_little_room_is_refused_with_the_number() {
        let room = Room { of_server: Some(151), of_account: Some(15) };
        let refused = room.check(10).expect_err("15 are too few").to_string();
        assert!(refused.contains("needs 16 connections, and max_user_connections of its account is 15"), "{refused}");
        assert!(Room { of_server: Some(16), of_account: None }.check(10).is_ok());
        assert!(Room::UNKNOWN.check(64).is_ok());
    }
}
