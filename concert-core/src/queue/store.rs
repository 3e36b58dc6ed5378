//! The SQL of the queue.

use std::collections::HashMap;
use std::time::Duration;

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
use crate::sql::{Listed, Query, Statement, expect_rows, grouped, pieces, select_all, update_all};

/// What `per_minute` counts over.
const MINUTE: Duration = Duration::from_secs(60);

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Fixed(LOCK_GATE),
    Statement::Listed(&MEMBERS),
    Statement::Listed(&BY_ID),
    Statement::Fixed(LAPSED),
    Statement::Fixed(HEADS),
    Statement::Listed(&LOCK_LIVE),
    Statement::Fixed(UPDATE_GATE),
    Statement::Listed(&END),
    Statement::Listed(&CLAIM),
    Statement::Listed(&ADMIT),
    Statement::Listed(&INSERT),
    Statement::Fixed(SET_ADMISSION),
    Statement::Listed(&LOG_CHANGES),
    Statement::Fixed(LAST_MINUTE),
    Statement::Fixed(COUNT_ADMISSIONS),
    Statement::Fixed(PRUNE_ADMISSIONS),
    Statement::Fixed(LAST_SAMPLE),
    Statement::Fixed(ADD_SAMPLE),
    Statement::Fixed(PRUNE_SAMPLES),
];

const LOCK_GATE: &str = "select next_ticket, change_seq, active, waiting, admitted, departed, no_shows, paused, max_active, \
     per_minute from queue_gate where id = 1 for update";
/// Not locked: statuses move and turns are picked up only under the gate's lock, and without it an end is only brought
/// forward.
const MEMBERS: Listed = Listed::of_keys(
    "select u.id as member_id, u.password <> '!' as has_password, \
     t.id, t.user_id, t.ticket, t.status, t.created_at, t.expires_at, t.claimed_at \
     from users u left join tokens t on t.user_id = u.id and t.live = 1 where u.id in ({})",
);
const BY_ID: Listed = Listed::of_keys(
    "select id, user_id, ticket, status, created_at, expires_at, claimed_at from tokens where id in ({})",
);
const LAPSED: &str = "select id, user_id, ticket, status, created_at, expires_at, claimed_at from tokens \
     where status = ? and expires_at <= ? order by expires_at limit ?";
const HEADS: &str = "select id, user_id, ticket, status, created_at, expires_at, claimed_at from tokens \
     where status = 'WAITING' order by ticket limit ?";
/// Through the index that everyone else takes to a user's token: one order of locks.
const LOCK_LIVE: Listed = Listed::of_keys(
    "select id, user_id, ticket, status, created_at, expires_at, claimed_at \
     from tokens force index (tokens_user_live) where live = 1 and user_id in ({}) for update",
);
const UPDATE_GATE: &str = "update queue_gate set next_ticket = ?, change_seq = ?, active = ?, waiting = ?, admitted = ?, \
     departed = ?, no_shows = ? where id = 1 and change_seq = ?";
const END: Listed = Listed::of_keys(
    "update tokens force index (primary) set status = 'EXPIRED', ended_reason = ?, last_updated_at = ?, change_seq = ? \
     where status in ('WAITING', 'ACTIVE') and id in ({})",
);
const CLAIM: Listed = Listed::of_keys(
    "update tokens force index (primary) set claimed_at = ?, last_updated_at = ?, expires_at = ?, change_seq = ? \
     where status = 'ACTIVE' and claimed_at is null and id in ({})",
);
const ADMIT: Listed = Listed::of_keys(
    "update tokens force index (primary) \
     set status = 'ACTIVE', admitted_at = ?, last_updated_at = ?, expires_at = ?, change_seq = ? \
     where status = 'WAITING' and id in ({})",
);
const INSERT: Listed = Listed {
    text: "insert into tokens (id, user_id, ticket, status, created_at, admitted_at, expires_at, last_updated_at, \
         ended_reason, change_seq, claimed_at) values {}",
    row: "(?,?,?,?,?,?,?,?,?,?,?)",
};
/// The cap of an audit is the one that holds since max_active_set_at.
const SET_ADMISSION: &str = "update queue_gate set paused = ?, per_minute = ?, \
     max_active_set_at = case when max_active <> ? then ? else max_active_set_at end, max_active = ? where id = 1";
const LOG_CHANGES: Listed = Listed {
    text: "insert into queue_control_log (change_seq, nth, changed_at, changed_by, setting, was, becomes) values {}",
    row: "(?,?,?,?,?,?,?)",
};
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
    users: Vec<UserId>,
) -> Result<HashMap<UserId, Token>, Failure> {
    let mut tokens = HashMap::with_capacity(users.len());
    for row in select_all(connection, &LOCK_LIVE, |query| query, users).await? {
        let token = read_token(&row)?;
        tokens.insert(token.user, token);
    }
    Ok(tokens)
}

async fn members(connection: &mut MySqlConnection, commands: &[Command]) -> Result<HashMap<UserId, Member>, Failure> {
    let users = commands.iter().filter_map(|command| match command {
        Command::Join { caller, .. } | Command::Leave { caller, .. } | Command::Claim { caller } => Some(caller.user),
        Command::Set { .. } | Command::Rerank => None,
    });
    let mut members = HashMap::with_capacity(commands.len());
    for row in select_all(connection, &MEMBERS, |query| query, users.collect()).await? {
        let live = match row.try_get::<Option<Uuid>, _>("id")? {
            Some(_) => Some(read_token(&row)?),
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
    let ids = commands.iter().filter_map(|command| match command {
        Command::Join { caller, id } if attempt.recheck || caller.key.is_some() => Some(*id),
        _ => None,
    });
    let mut made = HashMap::new();
    for row in select_all(connection, &BY_ID, |query| query, ids.collect()).await? {
        let token = read_token(&row)?;
        made.insert(token.id, token);
    }
    Ok(made)
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

    turn_all(connection, &CLAIM, &effects.claimed, gate.change_seq, now, "picking turns up").await?;
    for (reason, ids) in grouped(effects.ended.iter().map(|(token, reason)| (reason.as_str(), token.id))) {
        let change_seq = gate.change_seq;
        let bind = |query: Query<'static>| query.bind(reason).bind(now).bind(change_seq);
        update_all(connection, &END, bind, ids, 1, "ending tokens").await?;
    }
    turn_all(connection, &ADMIT, &effects.admitted, gate.change_seq, now, "admitting tokens").await?;
    for piece in pieces(&effects.joined) {
        let mut query = sqlx::query(INSERT.text(piece.len()));
        for token in piece {
            // Whoever joins into a turn has picked it up.
            let admitted_at = (token.status == TokenStatus::Active).then_some(token.created_at);
            let ended = (token.status == TokenStatus::Expired).then_some(super::EndedReason::Left.as_str());
            query = query
                .bind(token.id)
                .bind(token.user)
                .bind(token.ticket)
                .bind(token.status.as_str())
                .bind(token.created_at)
                .bind(admitted_at)
                .bind(token.expires_at)
                .bind(token.created_at)
                .bind(ended)
                .bind(gate.change_seq)
                .bind(admitted_at);
        }
        expect_rows(&query.execute(&mut *connection).await?, piece.len(), "adding tokens")?;
    }
    write_admission(connection, effects, now).await
}

/// Runs a statement that gives tokens a turn, over those whose turns end together.
async fn turn_all(
    connection: &mut MySqlConnection,
    statement: &Listed,
    tokens: &[Token],
    change_seq: u64,
    now: Timestamp,
    act: &'static str,
) -> Result<(), Failure> {
    for (until, ids) in grouped(tokens.iter().map(|token| (token.expires_at, token.id))) {
        let bind = |query: Query<'static>| query.bind(now).bind(now).bind(until).bind(change_seq);
        update_all(connection, statement, bind, ids, 1, act).await?;
    }
    Ok(())
}

/// The settings, their record, and what the limit and the pace are measured by.
async fn write_admission(connection: &mut MySqlConnection, effects: &Effects, now: Timestamp) -> Result<(), Failure> {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    if !effects.changes.is_empty() {
        let query =
            sqlx::query(SET_ADMISSION).bind(paused).bind(per_minute).bind(max_active).bind(now).bind(max_active);
        expect_rows(&query.execute(&mut *connection).await?, 1, "setting the admission")?;
        let change_seq = effects.gate.change_seq;
        for (nth, QueueChange { at, by, setting, was, becomes }) in (0_u32..).zip(&effects.changes) {
            let query = sqlx::query(LOG_CHANGES.text(1)).bind(change_seq).bind(nth).bind(at).bind(by);
            let query = query.bind(setting).bind(was).bind(becomes);
            expect_rows(&query.execute(&mut *connection).await?, 1, "recording a change")?;
        }
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
