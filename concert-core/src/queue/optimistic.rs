//! Joining without reading first: the gate is remembered as this process last left it, and the rules run over it as if
//! whoever joins were there and not in the queue. That all of it is so is a condition of the changes: a token that is in the
//! queue already is in the way of another by the index `tokens_user_live`.

use std::collections::HashMap;

use super::decide::{Gate, Member, Rows, decide};
use super::{Answer, Command, QueueBatch, Rules, store};
use crate::batch::{Attempt, Decision, Optimistic};
use crate::caller::Proof;

/// `None`: somebody wants more than to join, or the rows are needed to tell whether all may.
pub(super) fn join(
    commands: &[Command],
    attempt: &Attempt,
    rules: Rules,
    known: Gate,
) -> Option<Optimistic<'static, QueueBatch>> {
    if attempt.recheck || known.admission.per_minute.is_some() {
        return None;
    }
    let mut users = Vec::with_capacity(commands.len());
    let mut logged_in = None;
    for command in commands {
        let Command::Join { caller, .. } = command else { return None };
        let proved = match caller.proof {
            Proof::Bare => false,
            Proof::Verified => true,
            Proof::Queue(_) => return None,
        };
        if *logged_in.get_or_insert(proved) != proved {
            return None;
        }
        users.push(caller.user);
    }
    let rows = Rows {
        gate: known.clone(),
        members: users.iter().map(|user| (*user, Member { has_password: false, live: None })).collect(),
        made: HashMap::new(),
        lapsed: Vec::new(),
        heads: Vec::new(),
        admitted_last_minute: 0,
        last_sample: None,
    };
    let (answers, effects) = decide(rows, commands, attempt, rules);
    // Whoever asks twice is answered by what is there by then.
    let all_join = answers.iter().all(|answer| matches!(answer, Ok(Answer::Joined { resumed: false, .. })));
    if !all_join || effects.joined.len() != commands.len() {
        return None;
    }
    let script = store::write_unread(&known, &effects, &users, logged_in?, attempt.now);
    Some(Optimistic { script, decide: Box::new(|_| Ok(Decision { answers, effects })) })
}
