//! What a rerank pass reads. Nothing is locked: the gate's lock protects every change of a status.

use hashbrown::HashMap;
use sqlx::Row as _;

use super::{read_tokens, token_columns};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::SaleId;
use crate::queue::rows::{RerankRows, SeenTokens};
use crate::queue::{DrawnHeads, RERANK_LIMIT, SeenHeads, Token, TokenStatus, admission};
use crate::sql::{Keyword, Reading, ResultSet, Script, statements};

statements! {
    LAPSED {
        concat!(
            "select ", token_columns!(""), " from tokens force index (tokens_status_expires) \
             where sale_id = {sale} and status = {status} and expires_at <= {now} order by expires_at limit {limit}"
        )
    }
    HEADS {
        concat!(
            "select ", token_columns!(""), " from tokens force index (tokens_status_ticket) \
             where sale_id = {sale} and status = 'WAITING' order by ticket limit {limit}"
        )
    }
    /// Behind those who were drawn.
    HEADS_BEHIND {
        concat!(
            "select ", token_columns!(""), " from tokens force index (tokens_status_ticket) \
             where sale_id = {sale} and status = 'WAITING' and ticket > {count} order by ticket limit {limit}"
        )
    }
    /// Also those who were drawn, by their tickets.
    SEEN {
        concat!(
            "select ", token_columns!(""), " from tokens force index (tokens_ticket) \
             where sale_id = {sale} and ticket in ({tickets}) and status = 'WAITING'"
        )
    }
}

/// Reads the rows of a `Rerank`.
pub(super) struct Pass {
    lapsed: [Reading; 2],
    seen: Option<(Reading, SeenHeads)>,
    /// `None`: more were seen than a batch admits.
    heads: Option<Heads>,
    /// Of how many tickets the draw is that gives the order.
    in_order_of: Option<u64>,
    last_sample: Reading,
}

/// The first of the WAITING.
enum Heads {
    OfArrival(Reading),
    /// Those of the tickets that wait still, in this order. Whoever is missing among the drawn waits no more, since nobody
    /// begins to wait again. `behind`: where no other drawn ticket waits.
    Drawn {
        tickets: Vec<u64>,
        reading: Reading,
        behind: Option<Reading>,
    },
}

impl Heads {
    fn select(script: &mut Script, sale: SaleId, drawn: Option<&DrawnHeads>) -> Self {
        let Some(DrawnHeads { count, tickets, all }) = drawn else {
            return Self::OfArrival(
                script.select(&HEADS, |params| params.bind("sale", sale).bind("limit", RERANK_LIMIT)),
            );
        };
        let reading = select_waiting(script, sale, tickets.clone());
        let behind = all.then(|| {
            script.select(&HEADS_BEHIND, |params| {
                params.bind("sale", sale).bind("count", *count).bind("limit", RERANK_LIMIT)
            })
        });
        Self::Drawn { tickets: tickets.clone(), reading, behind }
    }

    /// The heads, and whether there may be others behind them.
    fn read(&self, selected: &ResultSet) -> Result<(Vec<Token>, bool), Failure> {
        match self {
            Self::OfArrival(reading) => {
                let heads = read_tokens(selected, reading)?;
                let more = heads.len() == RERANK_LIMIT;
                Ok((heads, more))
            }
            Self::Drawn { tickets, reading, behind } => {
                let tokens = read_tokens(selected, reading)?;
                let mut tokens: HashMap<_, _> = tokens.into_iter().map(|token| (token.ticket, token)).collect();
                let mut heads: Vec<_> = tickets.iter().filter_map(|ticket| tokens.remove(ticket)).collect();
                let later = behind.as_ref().map(|reading| read_tokens(selected, reading)).transpose()?;
                let more = later.as_ref().is_none_or(|later| later.len() == RERANK_LIMIT);
                heads.extend(later.unwrap_or_default());
                Ok((heads, more))
            }
        }
    }
}

/// Those of the tickets that wait.
fn select_waiting(script: &mut Script, sale: SaleId, tickets: Vec<u64>) -> Reading {
    script.select_keys(&SEEN, tickets, |params, tickets| params.bind("sale", sale).list("tickets", tickets))
}

impl Pass {
    pub(super) fn select(
        script: &mut Script,
        sale: SaleId,
        seen: Option<&SeenHeads>,
        drawn: Option<&DrawnHeads>,
        now: Timestamp,
    ) -> Self {
        let lapsed = [TokenStatus::Active, TokenStatus::Waiting].map(|status| {
            script.select(&LAPSED, |params| {
                let params = params.bind("sale", sale).bind("status", Keyword::new(status.as_str())).bind("now", now);
                params.bind("limit", RERANK_LIMIT)
            })
        });
        let seen = seen.map(|seen| {
            let tickets = seen.heads.iter().map(|head| head.ticket).collect();
            (select_waiting(script, sale, tickets), seen.clone())
        });
        let all = seen.as_ref().is_none_or(|(_, seen)| !seen.more);
        let heads = all.then(|| Heads::select(script, sale, drawn));
        let in_order_of = drawn.map(|drawn| drawn.count);
        Self { lapsed, seen, heads, in_order_of, last_sample: admission::select_last_sample(script, sale) }
    }

    pub(super) fn read(&self, selected: &ResultSet) -> Result<RerankRows, Failure> {
        let mut lapsed = Vec::new();
        for reading in &self.lapsed {
            lapsed.append(&mut read_tokens(selected, reading)?);
        }
        lapsed.truncate(RERANK_LIMIT);
        let last_sample = selected.one(&self.last_sample)?.try_get("sampled_at")?;
        let tokens = |reading: &Reading| read_tokens(selected, reading);
        let seen = self.seen.as_ref().map(|(reading, SeenHeads { heads, more })| {
            let mut tokens: HashMap<_, _> = tokens(reading)?.into_iter().map(|token| (token.ticket, token)).collect();
            let waiting = heads.iter().filter_map(|head| Some((tokens.remove(&head.ticket)?, head.pause_seconds)));
            Ok::<_, Failure>(SeenTokens { tokens: waiting.collect(), more: *more })
        });
        let heads = self.heads.as_ref().map(|heads| heads.read(selected)).transpose()?;
        let (heads, more_heads) = heads.unwrap_or_default();
        let (seen, in_order_of) = (seen.transpose()?, self.in_order_of);
        Ok(RerankRows { lapsed, seen, heads, more_heads, in_order_of, last_sample })
    }
}
