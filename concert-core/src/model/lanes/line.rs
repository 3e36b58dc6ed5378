//! The lane of the queue, over tables.

use super::*;

fn queue_user(command: &queue::Command) -> Option<UserId> {
    match command {
        queue::Command::Join { caller, .. }
        | queue::Command::Leave { caller, .. }
        | queue::Command::Claim { caller, .. } => Some(caller.user),
        queue::Command::Set { .. } | queue::Command::Rerank { .. } => None,
    }
}

impl ModelLane for QueueBatch {
    fn read(&self, tables: &Tables, commands: &[queue::Command], attempt: &Attempt) -> queue::RowsOfSales {
        let sales = commands.iter().map(queue::Command::sale);
        sales.map(|sale| (sale, read_sale(tables, sale, commands, attempt))).collect()
    }

    fn apply(&self, tables: &mut Tables, effects: &queue::SaleEffects, attempt: &Attempt) -> Result<(), &'static str> {
        effects.iter().try_for_each(|effects| apply(tables, effects, attempt))
    }
}

/// What `lock` reads of one sale.
fn read_sale(tables: &Tables, sale: SaleId, commands: &[queue::Command], attempt: &Attempt) -> queue::Rows {
    let commands = || commands.iter().filter(|command| command.sale() == sale);
    let member = |user: UserId| {
        let row = tables.users.get(&user)?;
        let live = Fact::read(tables.live_in(user, sale).cloned());
        let elsewhere = tables.live_tokens(user).filter(|token| token.sale != sale).cloned().collect();
        let (has_password, is_enabled) = (Fact::read(row.has_password), Fact::read(row.is_enabled));
        Some((user, queue::Member { has_password, is_enabled, live, elsewhere }))
    };
    let in_queue = tables.tokens.values().filter(|token| token.status != queue::TokenStatus::Expired);
    let live: Vec<_> = in_queue.filter(|token| token.sale == sale).collect();
    let rerank = commands().find_map(|command| match command {
        queue::Command::Rerank { seen, drawn, .. } => Some((seen.as_ref(), drawn.as_ref())),
        _ => None,
    });
    // What a process that knows the draw names, and whoever is behind.
    let drawn = rerank.and_then(|(_, drawn)| drawn);
    let nth_drawn = |ticket| drawn.and_then(|drawn| drawn.tickets.iter().position(|other| *other == ticket));
    let waiting = live.iter().filter(|token| token.status == queue::TokenStatus::Waiting);
    let mut heads: Vec<_> = waiting.map(|token| (*token).clone()).collect();
    heads.sort_by_key(|token| (nth_drawn(token.ticket).unwrap_or(usize::MAX), token.ticket));
    let lapsed = live.iter().filter(|token| token.expires_at <= attempt.now).map(|token| (*token).clone()).collect();
    let since = attempt.now - span(Duration::from_secs(60));
    let lately = tables.admissions.iter().filter(|(of, at, _)| *of == sale && *at > since);
    let seen_of = |seen: &queue::SeenHeads| {
        let token = |head: &queue::SeenHead| {
            let token = heads.iter().find(|token| token.ticket == head.ticket)?;
            Some((token.clone(), head.pause_seconds))
        };
        queue::SeenTokens { tokens: seen.heads.iter().filter_map(token).collect(), more: seen.more }
    };
    let gate = tables.gates[&sale].clone();
    queue::Rows {
        members: commands().filter_map(queue_user).filter_map(member).collect(),
        made: Lookup::read(tables.tokens.clone()),
        front: queue::FrontRows::default(),
        last_minute: queue::LastMinute {
            admitted: gate.admission.per_minute.map_or(0, |_| lately.map(|(_, _, count)| u64::from(*count)).sum()),
            ..queue::LastMinute::unlimited(attempt.now)
        },
        rerank: rerank.map(|(seen, drawn)| queue::RerankRows {
            lapsed,
            seen: seen.map(seen_of),
            heads: heads.clone(),
            more_heads: false,
            in_order_of: drawn.map(|drawn| drawn.count),
            last_sample: None,
        }),
        sale: Some(tables.sales[&sale].clone()),
        name_is_taken: false,
        gate,
    }
}

/// What a batch changes in one sale.
fn apply(tables: &mut Tables, effects: &queue::Effects, attempt: &Attempt) -> Result<(), &'static str> {
    if effects.is_empty() {
        return Ok(());
    }
    let (before, gate) = (&effects.gate_before, &effects.gate);
    let row = tables.gates.get_mut(&gate.sale).ok_or("moving the gate")?;
    require(row.change_seq == before.change_seq && row.admission == before.admission, "moving the gate")?;
    *row = gate.clone();
    if let Some(change) = &effects.sale {
        let row = tables.sales.get_mut(&gate.sale).ok_or("changing the sale")?;
        require(row.version == change.version_before, "changing the sale")?;
        *row = change.row.clone();
        if change.concerns_holds {
            for concert in tables.concerts.values_mut().filter(|concert| concert.sale == gate.sale) {
                concert.version += 1;
                concert.sale_closes_at = gate.times.closes_at;
            }
        }
    }
    for token in &effects.claimed {
        let row = tables.tokens.get_mut(&token.id).ok_or("claiming turns")?;
        require(row.is_unclaimed(), "claiming turns")?;
        (row.claimed_at, row.expires_at) = (Some(attempt.now), token.expires_at);
    }
    for (token, _) in &effects.ended {
        let row = tables.tokens.get_mut(&token.id).ok_or("ending tokens")?;
        require(row.status != queue::TokenStatus::Expired, "ending tokens")?;
        row.status = queue::TokenStatus::Expired;
    }
    for token in &effects.admitted {
        let row = tables.tokens.get_mut(&token.id).ok_or("admitting tokens")?;
        require(row.status == queue::TokenStatus::Waiting, "admitting tokens")?;
        (row.status, row.expires_at) = (queue::TokenStatus::Active, token.expires_at);
    }
    for token in &effects.joined {
        let is_live = token.status != queue::TokenStatus::Expired;
        require(tables.users.contains_key(&token.user), "the key of users")?;
        require(!is_live || tables.live_in(token.user, gate.sale).is_none(), "the key of live tokens")?;
        require(tables.tokens.insert(token.id, token.clone()).is_none(), "the key of tokens")?;
    }
    if gate.admission.per_minute.is_some() && effects.let_in > 0 {
        tables.admissions.push((gate.sale, attempt.now, effects.let_in));
    }
    Ok(())
}
