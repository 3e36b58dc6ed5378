//! Changes a concert: its name, its date and start, its zone, its limit, and whether it is on sale.

use chrono::{NaiveDate, NaiveTime};
use serde_json::{Map, Value, json};
use sqlx::{MySqlConnection, MySqlPool};

use super::concert::{Bookable, check_date, check_limit, check_start, concert_name};
use super::details::{ConcertDetails, concert, concert_columns, read_concert};
use crate::clock::Timestamp;
use crate::concert_status::ConcertStatus;
use crate::db::{self, Failure};
use crate::error::Error;
use crate::id::ConcertId;
use crate::operator::{Act, ActSubject, Signature, write_log};
use crate::sql::{Keyword, Script, Text, statements};
use crate::time_zone::TimeZone;

statements! {
    LOCK { concat!(concert_columns!(), "force index (primary) where c.id = {concert} for update") }
    /// Assignments are made from left to right, so the limit's time compares with the limit before.
    CHANGE {
        "update concerts force index (primary) set \
         limit_changed_at = if(max_seats_per_user <=> {max_seats_per_user}, limit_changed_at, {now}), \
         concert_name = {name}, date = {date}, start_time = {start_time}, time_zone = {time_zone}, status = {status}, max_seats_per_user = {max_seats_per_user}, \
         version = version + 1 where {guard}id = {concert} and version = {version}"
    }
}

/// What to change of a concert; what is left out stays. Of its zone, its start and its limit `None` takes them away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertChange {
    name: Option<String>,
    date: Option<NaiveDate>,
    starts_at: Option<Option<NaiveTime>>,
    time_zone: Option<Option<TimeZone>>,
    max_seats_per_user: Option<Option<u32>>,
    status: Option<ConcertStatus>,
}

impl ConcertChange {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No more holds from now on; what is held can be paid.
    #[must_use]
    pub fn close() -> Self {
        Self::new().with_status(ConcertStatus::Closed)
    }

    /// Another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Another date. What was held before keeps the date that it was held for, as a record.
    #[must_use]
    pub fn with_date(self, date: NaiveDate) -> Self {
        Self { date: Some(date), ..self }
    }

    /// Another start, or none.
    #[must_use]
    pub fn with_start(self, time: Option<NaiveTime>) -> Self {
        Self { starts_at: Some(time), ..self }
    }

    /// Another zone, or that of the house.
    #[must_use]
    pub fn with_time_zone(self, zone: Option<TimeZone>) -> Self {
        Self { time_zone: Some(zone), ..self }
    }

    /// Another limit of seats per user, or none. Who has more keeps them.
    #[must_use]
    pub fn with_max_seats_per_user(self, seats: Option<u32>) -> Self {
        Self { max_seats_per_user: Some(seats), ..self }
    }

    /// On sale again, or closed.
    #[must_use]
    pub fn with_status(self, status: ConcertStatus) -> Self {
        Self { status: Some(status), ..self }
    }
}

/// A concert before and after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcertChanged {
    /// As it was.
    pub before: ConcertDetails,
    /// As it is now.
    pub after: ConcertDetails,
}

impl ConcertChanged {
    /// The fields that differ, with what they were and what they are: `[(field, before, after)]`, named as in JSON.
    #[must_use]
    pub fn differences(&self) -> Vec<(&'static str, Value, Value)> {
        let fields = |of: &ConcertDetails| {
            [
                ("name", json!(of.name)),
                ("date", json!(of.date)),
                ("startsAt", json!(of.starts_at)),
                ("timeZone", json!(of.own_time_zone)),
                ("maxSeatsPerUser", json!(of.max_seats_per_user)),
                ("status", json!(of.status)),
            ]
        };
        let pairs = fields(&self.before).into_iter().zip(fields(&self.after));
        pairs.filter(|(was, is)| was != is).map(|((field, was), (_, is))| (field, was, is)).collect()
    }
}

/// What becomes of a concert. Refuses in this order: changed since, called off, values that are not valid.
fn decide(
    before: &ConcertDetails,
    change: &ConcertChange,
    expected: Option<u32>,
    house: TimeZone,
    now: Timestamp,
) -> Result<ConcertDetails, Error> {
    // First, so that whoever looks at an old state is told that, and not what no longer applies.
    if expected.is_some_and(|version| version != before.version) {
        return Err(Error::VersionChanged { version: before.version });
    }
    if before.status == ConcertStatus::Cancelled {
        return Err(Error::ConcertCancelled);
    }
    if change.status == Some(ConcertStatus::Cancelled) {
        return Err(Error::invalid("a concert is called off by cancelling it, which refunds what was paid"));
    }
    let own_time_zone = change.time_zone.unwrap_or(before.own_time_zone);
    let mut after = ConcertDetails {
        name: change.name.as_deref().map_or_else(|| Ok(before.name.clone()), concert_name)?,
        date: change.date.unwrap_or(before.date),
        starts_at: change.starts_at.unwrap_or(before.starts_at),
        own_time_zone,
        time_zone: own_time_zone.unwrap_or(house),
        max_seats_per_user: change.max_seats_per_user.unwrap_or(before.max_seats_per_user),
        status: change.status.unwrap_or(before.status),
        ..before.clone()
    };
    check_date(after.date)?;
    check_start(after.starts_at)?;
    check_limit(after.max_seats_per_user)?;
    // A typing mistake in the year would end the sale of its seats at once.
    let is_over = |of: &ConcertDetails| Bookable::new(of.status, of.date, of.time_zone).is_over(now);
    if is_over(&after) && !is_over(before) {
        return Err(Error::invalid(format!("the concert would be over: its date would be {}", after.date)));
    }
    if after != *before {
        after.version += 1;
    }
    Ok(after)
}

/// Changes a concert, if it still has the version `expected`. A change that changes nothing leaves no entry in the log.
pub(crate) async fn change_concert(
    pool: &MySqlPool,
    id: ConcertId,
    change: &ConcertChange,
    expected: Option<u32>,
    house: TimeZone,
    by: &Signature,
    now: Timestamp,
) -> Result<ConcertChanged, Error> {
    // If this is dropped before COMMIT, the connection closes and the server rolls back.
    let mut connection = db::unhurried_connection(pool).await?;
    db::start_transaction(&mut connection).await.map_err(db::to_error)?;
    let before = lock(&mut connection, id, house).await?;
    let after = decide(&before, change, expected, house, now)?;
    let changed = ConcertChanged { before, after };
    // What is so already writes nothing: no version, no entry in the log. The lock ends with the connection.
    if changed.after != changed.before {
        let mut script = Script::default();
        write(&mut script, &changed, now);
        // To close is an act of its own in the log, also where something else changes with it.
        let is_closing = changed.before.status != changed.after.status && changed.after.status == ConcertStatus::Closed;
        let act = if is_closing { Act::ConcertClose } else { Act::ConcertEdit };
        let (was, is): (Map<_, _>, Map<_, _>) = changed
            .differences()
            .into_iter()
            .map(|(field, was, is)| ((field.to_owned(), was), (field.to_owned(), is)))
            .unzip();
        let entry = by.entry(act, ActSubject::Concert(id), now);
        write_log(&mut script, &[entry.with_before(Value::Object(was)).with_after(Value::Object(is))]);
        script.commit(&mut connection).await.map_err(Failure::into_error)?;
    }
    db::close(connection).await;
    Ok(changed)
}

/// What [`change_concert`] would do now.
pub(crate) async fn preview_change(
    pool: &MySqlPool,
    id: ConcertId,
    change: &ConcertChange,
    expected: Option<u32>,
    house: TimeZone,
    now: Timestamp,
) -> Result<ConcertChanged, Error> {
    let before = db::read(|| concert(pool, id, house)).await?.ok_or(Error::ConcertNotFound)?;
    let after = decide(&before, change, expected, house, now)?;
    Ok(ConcertChanged { before, after })
}

async fn lock(connection: &mut MySqlConnection, id: ConcertId, house: TimeZone) -> Result<ConcertDetails, Error> {
    let mut script = Script::default();
    let reading = script.select(&LOCK, |params| params.bind("concert", id));
    let selected = script.run(connection).await.map_err(Failure::into_error)?;
    let found = selected.rows(&reading).next().ok_or(Error::ConcertNotFound)?;
    read_concert(found, house).map_err(db::to_error)
}

fn write(script: &mut Script, ConcertChanged { before, after }: &ConcertChanged, now: Timestamp) {
    script.change("changing a concert", Some(1), &CHANGE, |params| {
        let params = params.bind("max_seats_per_user", after.max_seats_per_user).bind("now", now);
        let params = params.bind("name", Text(&after.name)).bind("date", after.date);
        let params = params.bind("start_time", after.starts_at).bind("time_zone", after.own_time_zone);
        let params = params.bind("status", Keyword::new(after.status.as_str()));
        let params = params.bind("max_seats_per_user", after.max_seats_per_user);
        // The row is locked, so the version fits. It is asked for all the same: a lost lock then changes nothing.
        params.bind("concert", after.id).bind("version", before.version)
    });
}
