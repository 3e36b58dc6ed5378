//! What a rerank pass reads. Nothing is locked: the gate's lock protects every change of a status.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{read_tokens, token_columns};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::SaleId;
use crate::queue::rows::{RerankRows, SeenTokens};
use crate::queue::{RERANK_LIMIT, SeenHeads, TokenStatus, admission};
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
    heads: Option<Reading>,
    last_sample: Reading,
}

impl Pass {
    pub(super) fn select(script: &mut Script, sale: SaleId, seen: Option<&SeenHeads>, now: Timestamp) -> Self {
        let lapsed = [TokenStatus::Active, TokenStatus::Waiting].map(|status| {
            script.select(&LAPSED, |params| {
                let params = params.bind("sale", sale).bind("status", Keyword::new(status.as_str())).bind("now", now);
                params.bind("limit", RERANK_LIMIT)
            })
        });
        let seen = seen.map(|seen| {
            let tickets = seen.heads.iter().map(|head| head.ticket).collect();
            let reading = script
                .select_keys(&SEEN, tickets, |params, tickets| params.bind("sale", sale).list("tickets", tickets));
            (reading, seen.clone())
        });
        let all = seen.as_ref().is_none_or(|(_, seen)| !seen.more);
        let heads = all.then(|| script.select(&HEADS, |params| params.bind("sale", sale).bind("limit", RERANK_LIMIT)));
        Self { lapsed, seen, heads, last_sample: admission::select_last_sample(script, sale) }
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
        let heads = self.heads.as_ref().map(tokens).transpose()?.unwrap_or_default();
        Ok(RerankRows { lapsed, seen: seen.transpose()?, heads, last_sample })
    }
}
