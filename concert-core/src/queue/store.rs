//! The SQL of the queue.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};
use uuid::Uuid;

use super::control::{Admission, QueueChange};
use super::decide::{Effects, Gate, Member, Rows};
use super::pace::{PACE_WINDOW, Sample};
use super::{Command, EndedReason, RERANK_LIMIT, Token, TokenStatus};
use crate::batch::{Attempt, Failure};
use crate::clock::{Timestamp, span};
use crate::id::UserId;
use crate::sql::{Listed, Reading, Script, Selected, Statement, Text, Word, grouped};

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
const INSERT: Listed = Listed::of_rows(
    "insert into tokens (id, user_id, ticket, status, created_at, admitted_at, expires_at, last_updated_at, \
         ended_reason, change_seq, claimed_at) values {}",
    "(?,?,?,?,?,?,?,?,?,?,?)",
);
/// The cap of an audit is the one that holds since max_active_set_at.
const SET_ADMISSION: &str = "update queue_gate set paused = ?, per_minute = ?, \
     max_active_set_at = case when max_active <> ? then ? else max_active_set_at end, max_active = ? where id = 1";
const LOG_CHANGES: Listed = Listed::of_rows(
    "insert into queue_control_log (change_seq, nth, changed_at, changed_by, setting, was, becomes) values {}",
    "(?,?,?,?,?,?,?)",
);
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
    let now = attempt.now;
    let mut script = Script::default();
    let gate = script.select(LOCK_GATE, |blanks| blanks);
    let members = select_members(&mut script, commands);
    let made = select_made_earlier(&mut script, commands, attempt);
    let reranks = commands.iter().any(|command| matches!(command, Command::Rerank));
    let pass = reranks.then(|| Pass::select(&mut script, now));
    let selected = script.run(connection).await?;

    let gate = read_gate(selected.one(&gate)?)?;
    let members = read_members(&selected, &members)?;
    let mut rows = Rows {
        admitted_last_minute: 0,
        made: read_tokens(&selected, &made)?.into_iter().map(|token| (token.id, token)).collect(),
        gate,
        members,
        lapsed: Vec::new(),
        heads: Vec::new(),
        last_sample: None,
    };
    if let Some(pass) = pass {
        pass.read(&selected, &mut rows)?;
    }
    let changing = commands.iter().filter_map(|command| match command {
        Command::Leave { caller, .. } | Command::Claim { caller } => Some(caller.user),
        _ => None,
    });
    let over = rows.members.values().filter_map(|member| member.live.as_ref()).filter(|token| !token.is_live(now));
    let moving = changing.chain(over.chain(&rows.lapsed).map(|token| token.user)).collect();
    let mut script = Script::default();
    lock_live_tokens(&mut script, moving);
    let limited = rows.gate.admission.per_minute.is_some();
    let admissions = limited.then(|| select_last_minute(&mut script, now));
    let selected = script.run(connection).await?;
    if let Some(admissions) = admissions {
        rows.admitted_last_minute = selected.one(&admissions)?.try_get("admitted")?;
    }
    Ok(rows)
}

/// What a `Rerank` looks at.
struct Pass {
    lapsed: [Reading; 2],
    heads: Reading,
    last_sample: Reading,
}

impl Pass {
    fn select(script: &mut Script, now: Timestamp) -> Self {
        let lapsed = [TokenStatus::Active, TokenStatus::Waiting]
            .map(|status| script.select(LAPSED, |blanks| blanks.put(Word(status.as_str())).put(now).put(RERANK_LIMIT)));
        let heads = script.select(HEADS, |blanks| blanks.put(RERANK_LIMIT));
        Self { lapsed, heads, last_sample: script.select(LAST_SAMPLE, |blanks| blanks) }
    }

    fn read(&self, selected: &Selected, rows: &mut Rows) -> Result<(), Failure> {
        for reading in &self.lapsed {
            rows.lapsed.append(&mut read_tokens(selected, reading)?);
        }
        rows.lapsed.truncate(RERANK_LIMIT);
        rows.heads = read_tokens(selected, &self.heads)?;
        rows.last_sample = selected.one(&self.last_sample)?.try_get("sampled_at")?;
        Ok(())
    }
}

/// How many were let in within the last minute. Moments of a clock that was set back since do not count.
fn select_last_minute(script: &mut Script, now: Timestamp) -> Reading {
    script.select(LAST_MINUTE, |blanks| blanks.put(now - span(MINUTE)).put(now + span(MINUTE)))
}

/// The same, for whoever only looks.
pub(super) async fn last_minute(connection: &mut MySqlConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let query = sqlx::query(LAST_MINUTE).bind(now - span(MINUTE)).bind(now + span(MINUTE));
    query.fetch_one(connection).await?.try_get("admitted")
}

/// Locks the live tokens of `users`.
pub(crate) fn lock_live_tokens(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&LOCK_LIVE, users)
}

fn select_members(script: &mut Script, commands: &[Command]) -> Reading {
    let users = commands.iter().filter_map(|command| match command {
        Command::Join { caller, .. } | Command::Leave { caller, .. } | Command::Claim { caller } => Some(caller.user),
        Command::Set { .. } | Command::Rerank => None,
    });
    script.select_keys(&MEMBERS, users.collect())
}

fn read_members(selected: &Selected, reading: &Reading) -> Result<HashMap<UserId, Member>, Failure> {
    let mut members = HashMap::new();
    for row in selected.rows(reading) {
        let live = match row.try_get::<Option<Uuid>, _>("id")? {
            Some(_) => Some(read_token(row)?),
            None => None,
        };
        members.insert(row.try_get("member_id")?, Member { has_password: row.try_get("has_password")?, live });
    }
    Ok(members)
}

fn select_made_earlier(script: &mut Script, commands: &[Command], attempt: &Attempt) -> Reading {
    let ids = commands.iter().filter_map(|command| match command {
        Command::Join { caller, id } if attempt.recheck || caller.key.is_some() => Some(*id),
        _ => None,
    });
    script.select_keys(&BY_ID, ids.collect())
}

pub(super) fn write(effects: &Effects, now: Timestamp) -> Script {
    let mut script = Script::default();
    if effects.is_empty() {
        return script;
    }
    let gate = &effects.gate;
    script.change("moving the gate", 1, UPDATE_GATE, |blanks| {
        blanks
            .put(gate.next_ticket)
            .put(gate.change_seq)
            .put(gate.active)
            .put(gate.waiting)
            .put(gate.admitted)
            .put(gate.departed)
            .put(gate.no_shows)
            .put(effects.change_seq_before)
    });
    turn_all(&mut script, "picking turns up", &CLAIM, &effects.claimed, gate.change_seq, now);
    for (reason, ids) in grouped(effects.ended.iter().map(|(token, reason)| (reason.as_str(), token.id))) {
        script.update_all("ending tokens", 1, &END, ids, |blanks, list| {
            blanks.put(Word(reason)).put(now).put(gate.change_seq).list(list)
        });
    }
    turn_all(&mut script, "admitting tokens", &ADMIT, &effects.admitted, gate.change_seq, now);
    script.insert(&INSERT, &effects.joined, |blanks, token| {
        // Whoever joins into a turn has picked it up.
        let admitted_at = (token.status == TokenStatus::Active).then_some(token.created_at);
        let ended = (token.status == TokenStatus::Expired).then_some(Word(EndedReason::Left.as_str()));
        blanks
            .put(token.id)
            .put(token.user)
            .put(token.ticket)
            .put(Word(token.status.as_str()))
            .put(token.created_at)
            .put(admitted_at)
            .put(token.expires_at)
            .put(token.created_at)
            .put(ended)
            .put(gate.change_seq)
            .put(admitted_at)
    });
    write_admission(&mut script, effects, now);
    script
}

/// Gives tokens a turn, those whose turns end together at once.
fn turn_all(
    script: &mut Script,
    act: &'static str,
    statement: &'static Listed,
    tokens: &[Token],
    change_seq: u64,
    now: Timestamp,
) {
    for (until, ids) in grouped(tokens.iter().map(|token| (token.expires_at, token.id))) {
        script.update_all(act, 1, statement, ids, |blanks, list| {
            blanks.put(now).put(now).put(until).put(change_seq).list(list)
        });
    }
}

/// The settings, their record, and what the limit and the pace are measured by.
fn write_admission(script: &mut Script, effects: &Effects, now: Timestamp) {
    let Admission { paused, max_active, per_minute } = effects.gate.admission;
    if !effects.changes.is_empty() {
        script.change("setting the admission", 1, SET_ADMISSION, |blanks| {
            blanks.put(paused).put(per_minute).put(max_active).put(now).put(max_active)
        });
        let numbered: Vec<_> = (0_u32..).zip(&effects.changes).collect();
        script.insert(&LOG_CHANGES, &numbered, |blanks, (nth, change)| {
            let QueueChange { at, by, setting, was, becomes } = change;
            let blanks = blanks.put(effects.gate.change_seq).put(nth).put(at).put(Text(by));
            blanks.put(Text(setting)).put(Text(was)).put(Text(becomes))
        });
    }
    if per_minute.is_some() && effects.let_in > 0 {
        script.change_any(COUNT_ADMISSIONS, |blanks| blanks.put(now).put(effects.let_in).put(effects.let_in));
        script.change_any(PRUNE_ADMISSIONS, |blanks| blanks.put(now - span(MINUTE)).put(now + span(MINUTE)));
    }
    if let Some(Sample { at, admitted, departed, waiting, resumed }) = effects.sample {
        script.change_any(ADD_SAMPLE, |blanks| blanks.put(at).put(admitted).put(departed).put(waiting).put(resumed));
        let window = span(PACE_WINDOW);
        script.change_any(PRUNE_SAMPLES, |blanks| blanks.put(now - window).put(now + window));
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

fn read_tokens(selected: &Selected, reading: &Reading) -> Result<Vec<Token>, Failure> {
    Ok(selected.rows(reading).map(read_token).collect::<Result<_, _>>()?)
}

/// The live token of each user who has one.
pub(crate) fn read_live_tokens(selected: &Selected, live: &Reading) -> Result<HashMap<UserId, Token>, Failure> {
    Ok(read_tokens(selected, live)?.into_iter().map(|token| (token.user, token)).collect())
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
