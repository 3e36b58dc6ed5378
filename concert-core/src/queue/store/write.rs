//! Writes what a batch changes: the gate, and the tokens that join, are let in, claim their turns or end.

use crate::clock::Timestamp;
use crate::id::SaleId;
use crate::operator::write_log;
use crate::queue::rows::{Effects, Gate};
use crate::queue::{EndedReason, Token, TokenStatus, admission, draw, front, settings};
use crate::sql::{Keyword, Part, RowValues, Script, SqlTemplate, grouped, statements};

statements! {
    /// Every change of the gate raises `change_seq`. So the gate is as it was read or remembered, or no row is changed.
    /// The settings are compared as well, in case they were changed by hand.
    MOVE_GATE {
        "update queue_gate set next_ticket = {next_ticket}, change_seq = {change_seq}, active = {active}, \
         waiting = {waiting}, admitted = {admitted}, departed = {departed}, no_shows = {no_shows}, \
         most_active = {most_active}, redeemed = {redeemed}{each} \
         where {required}sale_id = {sale} and change_seq = {change_seq_before} \
         and paused = {paused} and max_active = {max_active} and per_minute <=> {per_minute}",
        // Only where the draw changes.
        each Part {
            text: ", draw_secret = {secret}, draw_commitment = {commitment}, draw_chain = {chain}, \
                   draw_public_value = {public_value}, draw_count = {count}",
            between: "",
        }
    }
    END {
        "update tokens force index (primary) set status = 'EXPIRED', ended_reason = {reason}, last_updated_at = {now}, \
         change_seq = {change_seq} where {guard}status in ('WAITING', 'ACTIVE') and id in ({ids})"
    }
    CLAIM {
        "update tokens force index (primary) set claimed_at = {now}, last_updated_at = {now}, expires_at = {until}, \
         change_seq = {change_seq} where {guard}status = 'ACTIVE' and claimed_at is null and id in ({ids})"
    }
    ADMIT {
        "update tokens force index (primary) set status = 'ACTIVE', admitted_at = {now}, last_updated_at = {now}, \
         expires_at = {until}, change_seq = {change_seq} where {guard}status = 'WAITING' and id in ({ids})"
    }
    INSERT {
        insert "tokens" (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq, admitted_at,
            claimed_at, ended_reason)
    }
    /// The same for WAITING tokens, which are most of a crowd: a quarter fewer values to write and to parse.
    INSERT_WAITING {
        insert "tokens" (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq)
    }
    /// Both for other sales than the default one, which the column says where nothing else is said.
    INSERT_IN_SALE {
        insert "tokens" (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq, sale_id,
            admitted_at, claimed_at, ended_reason)
    }
    INSERT_WAITING_IN_SALE {
        insert "tokens" (id, user_id, ticket, status, created_at, expires_at, last_updated_at, change_seq, sale_id)
    }
}

pub(in crate::queue) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    if effects.is_empty() {
        return;
    }
    let (before, gate) = (&effects.gate_before, &effects.gate);
    script.change("moving the gate", Some(1), &MOVE_GATE, |params| {
        params
            .bind("next_ticket", gate.next_ticket)
            .bind("change_seq", gate.change_seq)
            .bind("active", gate.active)
            .bind("waiting", gate.waiting)
            .bind("admitted", gate.admitted)
            .bind("departed", gate.departed)
            .bind("no_shows", gate.no_shows)
            .bind("most_active", gate.most_active)
            .bind("redeemed", gate.redeemed)
            .each(effects.changes_draw().then_some(gate.draw.as_ref()), draw::bind_draw)
            .bind("sale", gate.sale)
            .bind("change_seq_before", before.change_seq)
            .bind("paused", before.admission.paused)
            .bind("max_active", before.admission.max_active)
            .bind("per_minute", before.admission.per_minute)
    });
    // In this order: a turn may be claimed and end in one batch, and a user's lapsed token ends before another is made.
    turn_all(script, "claiming turns", &CLAIM, &effects.claimed, gate.change_seq, now);
    for (reason, ids) in grouped(effects.ended.iter().map(|(token, reason)| (reason.as_str(), token.id))) {
        script.change_keys("ending tokens", 1, &END, ids, |params, ids| {
            let params = params.bind("reason", Keyword::new(reason)).bind("now", now);
            params.bind("change_seq", gate.change_seq).list("ids", ids)
        });
    }
    turn_all(script, "admitting tokens", &ADMIT, &effects.admitted, gate.change_seq, now);
    insert(script, &effects.joined, gate);
    front::write(script, effects, now);
    admission::write(script, effects, now);
    settings::write(script, effects, now);
    write_log(script, &effects.log);
}

fn insert(script: &mut Script, joined: &[Token], gate: &Gate) {
    let (waiting, others): (Vec<_>, Vec<_>) = joined.iter().partition(|token| token.status == TokenStatus::Waiting);
    let (sale, change_seq) = (gate.sale, gate.change_seq);
    if sale == SaleId::DEFAULT {
        script.insert(&INSERT_WAITING, &waiting, |row, token| bind_joined(row, token, change_seq));
        script.insert(&INSERT, &others, |row, token| bind_begun(bind_joined(row, token, change_seq), token));
    } else {
        script.insert(&INSERT_WAITING_IN_SALE, &waiting, |row, token| {
            bind_joined(row, token, change_seq).bind("sale_id", sale)
        });
        script.insert(&INSERT_IN_SALE, &others, |row, token| {
            bind_begun(bind_joined(row, token, change_seq).bind("sale_id", sale), token)
        });
    }
}

/// The columns that all inserts share.
fn bind_joined<'r>(row: RowValues<'r>, token: &Token, change_seq: u64) -> RowValues<'r> {
    let row = row.bind("id", token.id).bind("user_id", token.user).bind("ticket", token.ticket);
    let row = row.bind("status", Keyword::new(token.status.as_str())).bind("created_at", token.created_at);
    row.bind("expires_at", token.expires_at).bind("last_updated_at", token.created_at).bind("change_seq", change_seq)
}

/// Those of a token that does not wait. A user who joins into a turn has claimed it.
fn bind_begun<'r>(row: RowValues<'r>, token: &Token) -> RowValues<'r> {
    let admitted_at = (token.status == TokenStatus::Active).then_some(token.created_at);
    let ended = (token.status == TokenStatus::Expired).then_some(Keyword::new(EndedReason::Left.as_str()));
    row.bind("admitted_at", admitted_at).bind("claimed_at", admitted_at).bind("ended_reason", ended)
}

/// Gives tokens a turn: one statement for all whose turns end at the same time.
fn turn_all(
    script: &mut Script,
    act: &'static str,
    template: &SqlTemplate,
    tokens: &[Token],
    change_seq: u64,
    now: Timestamp,
) {
    for (until, ids) in grouped(tokens.iter().map(|token| (token.expires_at, token.id))) {
        script.change_keys(act, 1, template, ids, |params, ids| {
            let params = params.bind("now", now).bind("now", now).bind("until", until);
            params.bind("change_seq", change_seq).list("ids", ids)
        });
    }
}
