//! The SQL of the queue: what a batch locks and reads, and how it states what it has assumed.

mod members;
mod pass;
mod write;

use hashbrown::{HashMap, HashSet};
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

#[cfg(any(test, feature = "internals"))]
pub(super) use self::members::STATEMENTS as MEMBER_STATEMENTS;
use self::members::{COUNT_MEMBERS, Members, select_members};
use self::pass::Pass;
#[cfg(any(test, feature = "internals"))]
pub(super) use self::pass::STATEMENTS as PASS_STATEMENTS;
#[cfg(any(test, feature = "internals"))]
pub(super) use self::write::STATEMENTS as WRITE_STATEMENTS;
pub(super) use self::write::write;
use super::draw;
use super::front::{self, FrontRows};
use super::rows::{
    Effects, Gate, HAS_PASSWORD, IS_ENABLED, LIVE_TOKEN, LastMinute, MADE, REMEMBERED_GATE, Rows, RowsOfSales, USER,
};
use super::settings::{SaleState, Sales};
use super::views::QueueViews;
use super::{Command, Token, TokenStatus, Turn, Turns, admission};
use crate::batch::Attempt;
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::fact::{Assumed, Key, Lookup, Test, Value};
use crate::id::UserId;
use crate::phase::{EntryOrder, SaleTimes};
use crate::sql::{Reading, ResultSet, Script, statements};

/// The columns that `read_token` reads, each with a prefix.
macro_rules! token_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: id, user_id, sale_id, ticket, status, created_at, expires_at, claimed_at)
    };
}
pub(crate) use token_columns;

/// The columns that `read_gate` reads.
macro_rules! gate_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: sale_id, next_ticket, change_seq, active, waiting, admitted, departed, no_shows,
            most_active, redeemed, paused, max_active, per_minute, draw_secret, draw_commitment, draw_chain,
            draw_public_value, draw_count)
    };
}
pub(super) use gate_columns;

statements! {
    /// In the order of the sales.
    LOCK_GATES {
        concat!(
            "select ", gate_columns!(""), " from queue_gate force index (primary) where sale_id in ({sales}) for update"
        )
    }
    BY_ID { concat!("select ", token_columns!(""), " from tokens where id in ({ids})") }
    /// Through the index by which all statements reach a user's token, so that locks are taken in one order.
    LOCK_LIVE {
        concat!(
            "select ", token_columns!(""),
            " from tokens force index (tokens_user_live) where live = 1 and user_id in ({users}) for update"
        )
    }
}

pub(super) async fn lock(
    connection: &mut MySqlConnection,
    commands: &[Command],
    attempt: &Attempt,
    views: &QueueViews,
) -> Result<RowsOfSales, Failure> {
    let now = attempt.now;
    let mut script = Script::default();
    let sales = commands.iter().map(Command::sale).collect();
    // First, in the global order of locks. What is read after it no other batch of the queue can change.
    let gates = script.select_keys(&LOCK_GATES, sales, |params, sales| params.list("sales", sales));
    let states = Sales::select(&mut script, commands);
    let codes = front::select_codes(&mut script, commands);
    let members = select_members(&mut script, commands);
    let made = select_made_earlier(&mut script, commands, attempt);
    let mut passes = HashMap::new();
    for command in commands {
        if let Command::Rerank { sale, seen, drawn } = command {
            // A second pass in the batch would find nothing to do.
            let select = || Pass::select(&mut script, *sale, seen.as_ref(), drawn.as_ref(), now);
            passes.entry(*sale).or_insert_with(select);
        }
    }
    let selected = script.run(connection).await?;

    let mut states = states.read(&selected)?;
    let members = Members::read(&selected, &members)?;
    let made = read_tokens(&selected, &made)?;
    let mut rows = RowsOfSales::new();
    for row in selected.rows(&gates) {
        let sale = row.try_get("sale_id")?;
        let state = states.remove(&sale);
        let (times, order) = state.as_ref().map_or_else(Default::default, |state| (state.times, state.order));
        let gate = read_gate(row, times, order)?;
        let at = views.of(sale).times().note(now, gate.change_seq);
        let made = made.iter().map(|token| (token.id, token.clone()));
        let of_sale = Rows {
            last_minute: LastMinute::unlimited(at),
            made: Lookup::read(made.collect()),
            members: members.in_sale(sale, commands),
            front: FrontRows::default(),
            rerank: passes.get(&sale).map(|pass| pass.read(&selected)).transpose()?,
            name_is_taken: state.as_ref().is_some_and(|state| state.name_is_taken),
            sale: state.map(|SaleState { row, .. }| row),
            gate,
        };
        rows.insert(sale, of_sale);
    }
    front::read_codes(&selected, &codes, &mut rows)?;
    lock_moving(connection, commands, views, &mut rows, now).await?;
    Ok(rows)
}

/// Locks the tokens whose turns may end, and reads what was let in lately where that is limited, and who has a place in
/// front where somebody does.
async fn lock_moving(
    connection: &mut MySqlConnection,
    commands: &[Command],
    views: &QueueViews,
    rows: &mut RowsOfSales,
    now: Timestamp,
) -> Result<(), Failure> {
    let changing = commands.iter().filter_map(|command| match command {
        Command::Leave { caller, .. } | Command::Claim { caller, .. } => Some(caller.user),
        _ => None,
    });
    let live = rows.values().flat_map(|rows| rows.members.values());
    let live = live.filter_map(|member| member.live.value().ok()?.as_ref());
    let lapsed = rows.values().filter_map(|rows| rows.rerank.as_ref()).flat_map(|pass| &pass.lapsed);
    let over = live.filter(|token| !token.is_live(now)).chain(lapsed);
    let moving = changing.chain(over.map(|token| token.user)).collect();
    let mut script = Script::default();
    let moving = lock_live_tokens(&mut script, moving);
    let limited = rows.values().filter(|rows| rows.gate.admission.per_minute.is_some());
    let admissions: Vec<_> = limited
        .map(|rows| {
            let (sale, at) = (rows.gate.sale, rows.last_minute.at);
            let since = views.of(sale).times().minute_before(at);
            (sale, since.over, admission::select_last_minute(&mut script, sale, since))
        })
        .collect();
    let in_front = front::select(&mut script, commands, rows);
    let selected = script.run(connection).await?;
    for reading in in_front {
        reading.read(&selected, rows)?;
    }
    for (sale, over, reading) in admissions {
        let admitted = selected.one(&reading)?.try_get("admitted")?;
        if let Some(rows) = rows.get_mut(&sale) {
            rows.last_minute = LastMinute { admitted, over, ..rows.last_minute };
        }
    }
    let locked = read_tokens(&selected, &moving)?;
    rows.values_mut().for_each(|rows| rows.take_over_locked(&locked, now));
    Ok(())
}

/// Locks the live tokens of `users`.
pub(crate) fn lock_live_tokens(script: &mut Script, users: Vec<UserId>) -> Reading {
    script.select_keys(&LOCK_LIVE, users, |params, users| params.list("users", users))
}

fn select_made_earlier(script: &mut Script, commands: &[Command], attempt: &Attempt) -> Reading {
    let ids = commands.iter().filter_map(|command| match command {
        Command::Join { caller, id, .. } if attempt.may_have_committed || caller.key.is_some() => Some(*id),
        _ => None,
    });
    script.select_keys(&BY_ID, ids.collect(), |params, ids| params.list("ids", ids))
}

/// States the assumptions about the gates and the joining users. Only those about users need a guard. The update of each
/// gate, the primary key of tokens and the unique key of live tokens state the others.
pub(super) fn guard(script: &mut Script, assumed: &mut Assumed, effects: &[Effects]) {
    for effects in effects.iter().filter(|effects| !effects.is_empty()) {
        let seq = Test::Equals(Value::Number(effects.gate_before.change_seq));
        let sale = effects.gate.sale.as_uuid();
        assumed.strike(REMEMBERED_GATE, |of, test| test == seq && of.id() == sale);
    }
    let joined = || effects.iter().flat_map(|effects| &effects.joined);
    let inserted: HashSet<_> = joined().map(|token| (token.user.as_uuid(), token.sale)).collect();
    let is_nothing = |test| test == Test::Equals(Value::Nothing);
    assumed.strike(LIVE_TOKEN, |of, test| is_nothing(test) && inserted.contains(&(of.id(), of.sale())));
    assumed.strike_missing(MADE, joined().map(|token| token.id));
    let (there, without_password) = (assumed.take(USER), assumed.take(HAS_PASSWORD));
    let enabled = assumed.take(IS_ENABLED);
    let is_other = |flag| move |(_, test): &(Key, Test)| *test != Test::Equals(Value::Flag(flag));
    let all_true = there.iter().chain(&enabled).all(|assumption| !is_other(true)(assumption));
    if !all_true || without_password.iter().any(is_other(false)) {
        assumed.put_back(USER, there);
        assumed.put_back(IS_ENABLED, enabled);
        return assumed.put_back(HAS_PASSWORD, without_password);
    }
    let asked = there.iter().chain(&enabled).chain(&without_password);
    let mut users: Vec<_> = asked.map(|(user, _)| user.id()).collect();
    users.sort_unstable();
    users.dedup();
    if users.is_empty() {
        return;
    }
    let mut bare: Vec<_> = without_password.iter().map(|(user, _)| user.id()).collect();
    bare.sort_unstable();
    let proved = users.iter().filter(|user| bare.binary_search(user).is_err());
    script.require_count("looking for users", users.len(), &COUNT_MEMBERS, |params| {
        params.list("users", &users).list("proved", proved)
    });
}

pub(super) fn read_gate(row: &MySqlRow, times: SaleTimes, order: EntryOrder) -> Result<Gate, sqlx::Error> {
    Ok(Gate {
        sale: row.try_get("sale_id")?,
        next_ticket: row.try_get("next_ticket")?,
        change_seq: row.try_get("change_seq")?,
        active: row.try_get("active")?,
        waiting: row.try_get("waiting")?,
        admitted: row.try_get("admitted")?,
        departed: row.try_get("departed")?,
        no_shows: row.try_get("no_shows")?,
        most_active: row.try_get("most_active")?,
        redeemed: row.try_get("redeemed")?,
        admission: admission::read_admission(row)?,
        times,
        order,
        draw: draw::read_draw(row)?,
    })
}

fn read_tokens(selected: &ResultSet, reading: &Reading) -> Result<Vec<Token>, Failure> {
    Ok(selected.rows(reading).map(read_token).collect::<Result<_, _>>()?)
}

/// The turn of each user in each sale where there is a live token.
pub(crate) fn read_turns(selected: &ResultSet, live: &Reading) -> Result<Turns, Failure> {
    let mut turns = Turns::default();
    for token in read_tokens(selected, live)? {
        turns.insert(token.user, token.sale, Turn::of(&token));
    }
    Ok(turns)
}

pub(crate) fn read_token(row: &MySqlRow) -> Result<Token, sqlx::Error> {
    Ok(Token {
        id: row.try_get("id")?,
        user: row.try_get("user_id")?,
        sale: row.try_get("sale_id")?,
        ticket: row.try_get("ticket")?,
        status: TokenStatus::from_column(row.try_get("status")?)?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        claimed_at: row.try_get("claimed_at")?,
    })
}

#[cfg(test)]
mod tests;
