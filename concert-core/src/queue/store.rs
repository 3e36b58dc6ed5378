//! The SQL of the queue.

use std::collections::HashMap;

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};
use uuid::Uuid;

use super::decide::{Effects, Gate, Member, Rows};
use super::{Command, EndedReason, RERANK_LIMIT, Token, TokenStatus, admission};
use crate::batch::{Attempt, Failure};
use crate::clock::Timestamp;
use crate::id::UserId;
use crate::sql::{Listed, Reading, Script, Selected, Statement, Word, grouped};

/// Every statement, for the test that prepares and explains them.
pub(crate) const STATEMENTS: &[Statement] = &[
    Statement::Fixed(LOCK_GATE),
    Statement::Listed(&MEMBERS),
    Statement::Listed(&BY_ID),
    Statement::Fixed(LAPSED),
    Statement::Fixed(HEADS),
    Statement::Listed(&LOCK_LIVE),
    Statement::Fixed(UPDATE_GATE),
    Statement::Listed(&UPDATE_KNOWN_GATE),
    Statement::Listed(&END),
    Statement::Listed(&CLAIM),
    Statement::Listed(&ADMIT),
    Statement::Listed(&INSERT),
    Statement::Listed(&INSERT_WAITING),
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
/// Only if the gate is what it was remembered to be, and so many of the users are there who need not log in, or have.
const UPDATE_KNOWN_GATE: Listed = Listed::of_keys(
    "update queue_gate set next_ticket = ?, change_seq = ?, active = ?, waiting = ? \
     where id = 1 and next_ticket = ? and change_seq = ? and active = ? and waiting = ? \
     and paused = ? and max_active = ? and per_minute is null \
     and (select count(*) from users force index (primary) where id in ({}) and (password = '!' or ?)) = ?",
);
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
/// The same for those who wait, most of a crowd.
const INSERT_WAITING: Listed = Listed::of_rows(
    "insert into tokens (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq) values {}",
    "(?,?,?,'WAITING',?,?,?,?)",
);

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
    let admissions = limited.then(|| admission::select_last_minute(&mut script, now));
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
        Self { lapsed, heads, last_sample: admission::select_last_sample(script) }
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
    write_moves(&mut script, effects, now);
    script
}

/// Those who join a gate that was `before`; or nothing, if it is another by now, or one of `users` must not join.
pub(super) fn write_unread(
    before: &Gate,
    effects: &Effects,
    users: &[UserId],
    logged_in: bool,
    now: Timestamp,
) -> Script {
    let (mut script, gate) = (Script::default(), &effects.gate);
    script.change_listed("moving the known gate", 1, &UPDATE_KNOWN_GATE, |blanks| {
        let blanks = blanks.put(gate.next_ticket).put(gate.change_seq).put(gate.active).put(gate.waiting);
        let blanks = blanks.put(before.next_ticket).put(before.change_seq).put(before.active).put(before.waiting);
        let blanks = blanks.put(before.admission.paused).put(before.admission.max_active);
        blanks.list(users).put(logged_in).put(users.len())
    });
    write_moves(&mut script, effects, now);
    script
}

/// All but the gate.
fn write_moves(script: &mut Script, effects: &Effects, now: Timestamp) {
    let gate = &effects.gate;
    turn_all(script, "picking turns up", &CLAIM, &effects.claimed, gate.change_seq, now);
    for (reason, ids) in grouped(effects.ended.iter().map(|(token, reason)| (reason.as_str(), token.id))) {
        script.update_all("ending tokens", 1, &END, ids, |blanks, list| {
            blanks.put(Word(reason)).put(now).put(gate.change_seq).list(list)
        });
    }
    turn_all(script, "admitting tokens", &ADMIT, &effects.admitted, gate.change_seq, now);
    let (waiting, others): (Vec<_>, Vec<_>) =
        effects.joined.iter().partition(|token| token.status == TokenStatus::Waiting);
    script.insert(&INSERT_WAITING, &waiting, |blanks, token| {
        let blanks = blanks.put(token.id).put(token.user).put(token.ticket).put(token.created_at);
        blanks.put(token.expires_at).put(token.created_at).put(gate.change_seq)
    });
    script.insert(&INSERT, &others, |blanks, token| {
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
    admission::write(script, effects, now);
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

pub(super) fn read_gate(row: &MySqlRow) -> Result<Gate, sqlx::Error> {
    Ok(Gate {
        next_ticket: row.try_get("next_ticket")?,
        change_seq: row.try_get("change_seq")?,
        active: row.try_get("active")?,
        waiting: row.try_get("waiting")?,
        admitted: row.try_get("admitted")?,
        departed: row.try_get("departed")?,
        no_shows: row.try_get("no_shows")?,
        admission: admission::read_admission(row)?,
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
