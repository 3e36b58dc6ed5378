//! The SQL of the queue.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};
use uuid::Uuid;

use super::control::{Admission, QueueChange};
use super::decide::{Effects, Gate, Member, Rows};
use super::pace::{PACE_WINDOW, Sample};
use super::{Command, RERANK_LIMIT, Token, TokenStatus};
use crate::batch::{Attempt, Failure};
use crate::clock::{Timestamp, span};
use crate::id::{TokenId, UserId};
use crate::sql::{At, Hex, expect_rows, json};

/// What `per_minute` counts over.
const MINUTE: Duration = Duration::from_secs(60);

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[&str] = &[
    LOCK_GATE,
    MEMBERS,
    BY_ID,
    LAPSED,
    HEADS,
    LOCK_LIVE,
    UPDATE_GATE,
    END,
    CLAIM,
    ADMIT,
    INSERT,
    SET_ADMISSION,
    LOG_CHANGES,
    LAST_MINUTE,
    COUNT_ADMISSIONS,
    PRUNE_ADMISSIONS,
    LAST_SAMPLE,
    ADD_SAMPLE,
    PRUNE_SAMPLES,
];

const LOCK_GATE: &str = "select next_ticket, change_seq, active, waiting, admitted, departed, no_shows, paused, max_active, \
     per_minute from queue_gate where id = 1 for update";
/// Not locked: statuses move and turns are picked up only under the gate's lock, and without it an end is only brought
/// forward.
const MEMBERS: &str = "select u.id as member_id, u.password <> '!' as has_password, \
     t.id, t.user_id, t.ticket, t.status, t.created_at, t.expires_at, t.claimed_at \
     from json_table(?, '$[*]' columns (user_id varchar(32) path '$')) j \
     straight_join users u on u.id = unhex(j.user_id) \
     left join tokens t on t.user_id = u.id and t.live = 1";
const BY_ID: &str = "select t.id, t.user_id, t.ticket, t.status, t.created_at, t.expires_at, t.claimed_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$')) j \
     straight_join tokens t on t.id = unhex(j.id)";
const LAPSED: &str = "select id, user_id, ticket, status, created_at, expires_at, claimed_at from tokens \
     where status = ? and expires_at <= ? order by expires_at limit ?";
const HEADS: &str = "select id, user_id, ticket, status, created_at, expires_at, claimed_at from tokens \
     where status = 'WAITING' order by ticket limit ?";
/// Through the index that everyone else takes to a user's token: one order of locks.
const LOCK_LIVE: &str = "select t.id, t.user_id, t.ticket, t.status, t.created_at, t.expires_at, t.claimed_at \
     from (select b.user_id from json_table(?, '$[*]' columns (user_id varchar(32) path '$')) b) j \
     straight_join tokens t force index (tokens_user_live) on t.user_id = unhex(j.user_id) and t.live = 1 for update";
const UPDATE_GATE: &str = "update queue_gate set next_ticket = ?, change_seq = ?, active = ?, waiting = ?, admitted = ?, \
     departed = ?, no_shows = ? where id = 1 and change_seq = ?";
const END: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', reason varchar(16) path '$.reason')) j \
     straight_join tokens t force index (primary) on t.id = unhex(j.id) \
     set t.status = 'EXPIRED', t.ended_reason = j.reason, t.last_updated_at = ?, t.change_seq = ? \
     where t.status in ('WAITING', 'ACTIVE')";
const CLAIM: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', expires_at datetime(6) path '$.expires_at')) j \
     straight_join tokens t force index (primary) on t.id = unhex(j.id) \
     set t.claimed_at = ?, t.expires_at = j.expires_at, t.last_updated_at = ?, t.change_seq = ? \
     where t.status = 'ACTIVE' and t.claimed_at is null";
const ADMIT: &str = "update json_table(?, '$[*]' columns (id varchar(32) path '$.id', expires_at datetime(6) path '$.expires_at')) j \
     straight_join tokens t force index (primary) on t.id = unhex(j.id) \
     set t.status = 'ACTIVE', t.admitted_at = ?, t.expires_at = j.expires_at, t.last_updated_at = ?, t.change_seq = ? \
     where t.status = 'WAITING'";
const INSERT: &str = "insert into tokens \
     (id, user_id, ticket, status, created_at, admitted_at, expires_at, last_updated_at, ended_reason, \
     change_seq, claimed_at) select unhex(j.id), unhex(j.user_id), j.ticket, j.status, j.created_at, j.admitted_at, j.expires_at, j.created_at, \
     j.ended_reason, j.change_seq, j.admitted_at \
     from json_table(?, '$[*]' columns (id varchar(32) path '$.id', user_id varchar(32) path '$.user_id', \
     ticket bigint unsigned path '$.ticket', status varchar(16) path '$.status', created_at datetime(6) path '$.created_at', \
     admitted_at datetime(6) path '$.admitted_at', expires_at datetime(6) path '$.expires_at', \
     ended_reason varchar(16) path '$.ended_reason', change_seq bigint unsigned path '$.change_seq')) j";
/// The cap of an audit is the one that holds since max_active_set_at.
const SET_ADMISSION: &str = "update queue_gate set paused = ?, per_minute = ?, \
     max_active_set_at = case when max_active <> ? then ? else max_active_set_at end, max_active = ? where id = 1";
const LOG_CHANGES: &str = "insert into queue_control_log (change_seq, nth, changed_at, changed_by, setting, was, becomes) \
     select j.change_seq, j.nth, j.changed_at, j.changed_by, j.setting, j.was, j.becomes \
     from json_table(?, '$[*]' columns (change_seq bigint unsigned path '$.change_seq', nth int unsigned path '$.nth', \
     changed_at datetime(6) path '$.changed_at', changed_by varchar(128) path '$.changed_by', \
     setting varchar(16) path '$.setting', was varchar(16) path '$.was', becomes varchar(16) path '$.becomes')) j";
const LAST_MINUTE: &str = "select cast(coalesce(sum(admitted), 0) as unsigned) as admitted from queue_admissions \
     where admitted_at > ? and admitted_at < ?";
const COUNT_ADMISSIONS: &str = "insert into queue_admissions (admitted_at, admitted) values (?, ?) \
     on duplicate key update admitted = admitted + ?";
const PRUNE_ADMISSIONS: &str = "delete from queue_admissions where admitted_at <= ? or admitted_at >= ?";
const LAST_SAMPLE: &str = "select max(sampled_at) as sampled_at from queue_pace";
const ADD_SAMPLE: &str =
    "replace into queue_pace (sampled_at, admitted, departed, waiting, resumed) values (?, ?, ?, ?, ?)";
const PRUNE_SAMPLES: &str = "delete from queue_pace where sampled_at < ? or sampled_at > ?";

pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
) -> Result<Rows, Failure> {
    let gate = read_gate(&sqlx::query(LOCK_GATE).fetch_one(&mut *connection).await?)?;
    let members = members(connection, commands).await?;
    let made = made_earlier(connection, commands, attempt).await?;
    let mut admitted_last_minute = 0;
    if gate.admission.per_minute.is_some() {
        admitted_last_minute = last_minute(connection, attempt.now).await?;
    }
    let mut lapsed = Vec::new();
    let mut heads = Vec::new();
    let mut last_sample = None;
    if commands.iter().any(|command| matches!(command, Command::Rerank)) {
        lapsed = lapsed_tokens(connection, attempt.now).await?;
        let rows = sqlx::query(HEADS).bind(RERANK_LIMIT as u64).fetch_all(&mut *connection).await?;
        heads = rows.iter().map(read_token).collect::<Result<_, _>>()?;
        last_sample = sqlx::query(LAST_SAMPLE).fetch_one(&mut *connection).await?.try_get("sampled_at")?;
    }

    let changing = commands.iter().filter_map(|command| match command {
        Command::Leave { caller, .. } | Command::Claim { caller } => Some(caller.user),
        _ => None,
    });
    let over = members.values().filter_map(|member| member.live.as_ref()).filter(|token| !token.is_live(attempt.now));
    let moving = changing.chain(over.chain(&lapsed).map(|token| token.user)).collect();
    lock_live_tokens(connection, moving).await?;
    Ok(Rows { gate, members, made, lapsed, heads, admitted_last_minute, last_sample })
}

/// How many were let in within the last minute. Moments of a clock that was set back since do not count.
pub(super) async fn last_minute(connection: &mut MySqlConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(LAST_MINUTE).bind(now - span(MINUTE)).bind(now + span(MINUTE));
    query.fetch_one(connection).await?.try_get("admitted")
}

/// Locks the live tokens of `users`, in the order that everyone locks them in.
pub(crate) async fn lock_live_tokens(
    connection: &mut MySqlConnection,
    mut users: Vec<UserId>,
) -> Result<HashMap<UserId, Token>, Failure> {
    users.sort_unstable();
    users.dedup();
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let users: Vec<Hex> = users.into_iter().map(|user| Hex(user.as_uuid())).collect();
    let rows = sqlx::query(LOCK_LIVE).bind(json(&users)?).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| read_token(row).map(|token| (token.user, token))).collect::<Result<_, _>>()?)
}

async fn members(connection: &mut MySqlConnection, commands: &[Command]) -> Result<HashMap<UserId, Member>, Failure> {
    let mut users: Vec<Uuid> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Join { caller, .. } | Command::Leave { caller, .. } | Command::Claim { caller } => {
                Some(caller.user.as_uuid())
            }
            Command::Set { .. } | Command::Rerank => None,
        })
        .collect();
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    users.sort_unstable();
    users.dedup();
    let users: Vec<Hex> = users.into_iter().map(Hex).collect();
    let rows = sqlx::query(MEMBERS).bind(json(&users)?).fetch_all(connection).await?;
    let mut members = HashMap::with_capacity(rows.len());
    for row in &rows {
        let live = match row.try_get::<Option<Uuid>, _>("id")? {
            Some(_) => Some(read_token(row)?),
            None => None,
        };
        members.insert(row.try_get("member_id")?, Member { has_password: row.try_get("has_password")?, live });
    }
    Ok(members)
}

async fn made_earlier(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
) -> Result<HashMap<TokenId, Token>, Failure> {
    let ids: Vec<Hex> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Join { caller, id } if attempt.recheck || caller.key.is_some() => Some(Hex(id.as_uuid())),
            _ => None,
        })
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(BY_ID).bind(json(&ids)?).fetch_all(connection).await?;
    let tokens = rows.iter().map(|row| read_token(row).map(|token| (token.id, token)));
    Ok(tokens.collect::<Result<_, _>>()?)
}

/// Live tokens whose time is over, `RERANK_LIMIT` at most.
pub(super) async fn lapsed_tokens(connection: &mut MySqlConnection, now: Timestamp) -> Result<Vec<Token>, sqlx::Error> {
    let mut lapsed = Vec::new();
    for status in [TokenStatus::Active, TokenStatus::Waiting] {
        let room = RERANK_LIMIT - lapsed.len();
        let query = sqlx::query(LAPSED).bind(status.as_str()).bind(now).bind(room as u64);
        for row in query.fetch_all(&mut *connection).await? {
            lapsed.push(read_token(&row)?);
        }
    }
    Ok(lapsed)
}

pub(super) async fn write(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    if effects.is_empty() {
        return Ok(());
    }
    let gate = &effects.gate;
    let updated = sqlx::query(UPDATE_GATE)
        .bind(gate.next_ticket)
        .bind(gate.change_seq)
        .bind(gate.active)
        .bind(gate.waiting)
        .bind(gate.admitted)
        .bind(gate.departed)
        .bind(gate.no_shows)
        .bind(effects.change_seq_before)
        .execute(&mut *connection)
        .await?;
    expect_rows(&updated, 1, "moving the gate")?;

    if !effects.claimed.is_empty() {
        let rows: Vec<_> = effects.claimed.iter().map(TurnRow::new).collect();
        let query = sqlx::query(CLAIM).bind(json(&rows)?).bind(now).bind(now).bind(gate.change_seq);
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "picking turns up")?;
    }
    if !effects.ended.is_empty() {
        let rows: Vec<_> = effects
            .ended
            .iter()
            .map(|(token, reason)| EndRow { id: Hex(token.id.as_uuid()), reason: reason.as_str() })
            .collect();
        let query = sqlx::query(END).bind(json(&rows)?).bind(now).bind(gate.change_seq);
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "ending tokens")?;
    }
    if !effects.admitted.is_empty() {
        let rows: Vec<_> = effects.admitted.iter().map(TurnRow::new).collect();
        let query = sqlx::query(ADMIT).bind(json(&rows)?).bind(now).bind(now).bind(gate.change_seq);
        expect_rows(&query.execute(&mut *connection).await?, rows.len(), "admitting tokens")?;
    }
    if !effects.joined.is_empty() {
        let rows: Vec<_> = effects.joined.iter().map(|token| InsertRow::new(token, gate.change_seq)).collect();
        let inserted = sqlx::query(INSERT).bind(json(&rows)?).execute(&mut *connection).await?;
        expect_rows(&inserted, rows.len(), "adding tokens")?;
    }
    write_admission(connection, effects, now).await
}

/// The settings, their record, and what the limit and the pace are measured by.
async fn write_admission(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    if !effects.changes.is_empty() {
        let query =
            sqlx::query(SET_ADMISSION).bind(paused).bind(per_minute).bind(max_active).bind(now).bind(max_active);
        expect_rows(&query.execute(&mut *connection).await?, 1, "setting the admission")?;
        let change_seq = effects.gate.change_seq;
        let rows: Vec<_> =
            (0..).zip(&effects.changes).map(|(nth, change)| ChangeRow::new(change_seq, nth, change)).collect();
        let inserted = sqlx::query(LOG_CHANGES).bind(json(&rows)?).execute(&mut *connection).await?;
        expect_rows(&inserted, rows.len(), "recording a change")?;
    }
    if per_minute.is_some() && effects.let_in > 0 {
        let query = sqlx::query(COUNT_ADMISSIONS).bind(now).bind(effects.let_in).bind(effects.let_in);
        query.execute(&mut *connection).await?;
        let query = sqlx::query(PRUNE_ADMISSIONS).bind(now - span(MINUTE)).bind(now + span(MINUTE));
        query.execute(&mut *connection).await?;
    }
    if let Some(Sample { at, admitted, departed, waiting, resumed }) = effects.sample {
        let query = sqlx::query(ADD_SAMPLE).bind(at).bind(admitted).bind(departed).bind(waiting).bind(resumed);
        query.execute(&mut *connection).await?;
        let query = sqlx::query(PRUNE_SAMPLES).bind(now - span(PACE_WINDOW)).bind(now + span(PACE_WINDOW));
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

#[derive(Serialize)]
struct EndRow {
    id: Hex,
    reason: &'static str,
}

/// A token and the end of its turn.
#[derive(Serialize)]
struct TurnRow {
    id: Hex,
    expires_at: At,
}

impl TurnRow {
    const fn new(token: &Token) -> Self {
        Self { id: Hex(token.id.as_uuid()), expires_at: At(token.expires_at) }
    }
}

#[derive(Serialize)]
struct ChangeRow<'a> {
    change_seq: u64,
    nth: u32,
    changed_at: At,
    changed_by: &'a str,
    setting: &'a str,
    was: &'a str,
    becomes: &'a str,
}

impl<'a> ChangeRow<'a> {
    fn new(change_seq: u64, nth: u32, change: &'a QueueChange) -> Self {
        let QueueChange { at, by, setting, was, becomes } = change;
        Self { change_seq, nth, changed_at: At(*at), changed_by: by, setting, was, becomes }
    }
}

#[derive(Serialize)]
struct InsertRow {
    id: Hex,
    user_id: Hex,
    ticket: u64,
    status: &'static str,
    created_at: At,
    admitted_at: Option<At>,
    expires_at: At,
    ended_reason: Option<&'static str>,
    change_seq: u64,
}

impl InsertRow {
    fn new(token: &Token, change_seq: u64) -> Self {
        Self {
            id: Hex(token.id.as_uuid()),
            user_id: Hex(token.user.as_uuid()),
            ticket: token.ticket,
            status: token.status.as_str(),
            created_at: At(token.created_at),
            admitted_at: (token.status == TokenStatus::Active).then_some(At(token.created_at)),
            expires_at: At(token.expires_at),
            ended_reason: (token.status == TokenStatus::Expired).then_some(super::EndedReason::Left.as_str()),
            change_seq,
        }
    }
}

pub(super) fn read_gate(row: &MySqlRow) -> Result<Gate, sqlx::Error> {
    Ok(Gate {
        next_ticket: row.try_get("next_ticket")?,
        change_seq: row.try_get("change_seq")?,
        active: row.try_get("active")?,
        waiting: row.try_get("waiting")?,
        admitted: row.try_get("admitted")?,
        departed: row.try_get("departed")?,
        no_shows: row.try_get("no_shows")?,
        admission: read_admission(row)?,
    })
}

pub(crate) fn read_admission(row: &MySqlRow) -> Result<Admission, sqlx::Error> {
    Ok(Admission {
        paused: row.try_get("paused")?,
        max_active: row.try_get("max_active")?,
        per_minute: row.try_get("per_minute")?,
    })
}

pub(crate) fn read_token(row: &MySqlRow) -> Result<Token, sqlx::Error> {
    Ok(Token {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        ticket: row.try_get("ticket")?,
        status: TokenStatus::from_column(row.try_get("status")?)?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        claimed_at: row.try_get("claimed_at")?,
    })
}
