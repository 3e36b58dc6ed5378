//! Places in front, which codes give to those who wait.
//!
//! A token that redeems a code gets a row in `code_redemptions`. While the token waits with a place in front, the row
//! says so. A gate that counts no redemptions has no such rows, and nothing of this is read or written.

mod line;

use hashbrown::HashMap;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

pub(super) use self::line::FrontLine;
use super::rows::{Effects, RowsOfSales};
use super::store::{read_token, token_columns};
use super::{Command, RERANK_LIMIT, Token};
use crate::access_code::{CodeHash, CodeKind};
use crate::clock::Timestamp;
use crate::db::Failure;
use crate::id::{AccessCodeId, SaleId, TokenId};
use crate::sql::{Part, Reading, ResultSet, Script, grouped, statements};

statements! {
    /// After the gates. A code that is revoked or used up is read, too: a repeated call may name it.
    LOCK_CODES {
        "select id, sale_id, code_hash, kind, uses_left, revoked_at is null as in_force \
         from access_codes force index (access_codes_hash) where {each} for update",
        each Part { text: "(sale_id = {sale} and code_hash in ({hashes}))", between: " or " }
    }
    USE {
        "update access_codes force index (primary) set uses_left = uses_left - {uses} \
         where {guard}uses_left >= {uses} and revoked_at is null and id in ({codes})"
    }
    REDEEM {
        insert "code_redemptions" (token_id, code_id, sale_id, ticket, nth, priority, change_seq, redeemed_at)
    }
    /// Those who wait no longer have no place in front.
    LEAVE_FRONT {
        "update code_redemptions force index (primary) set priority = null \
         where {guard}priority is not null and token_id in ({tokens})"
    }
    OF_TOKENS {
        "select token_id, code_id, priority from code_redemptions force index (primary) where token_id in ({tokens})"
    }
    /// A column that the index does not have, here and in the next one: MySQL may else read the whole index.
    COUNT_WAITING {
        "select priority, count(redeemed_at) as waiting from code_redemptions force index (code_redemptions_front) \
         where sale_id = {sale} and priority >= 0 group by priority"
    }
    FIRST {
        concat!(
            "select ", token_columns!("t."), ", r.priority, r.nth, r.redeemed_at \
             from code_redemptions r force index (code_redemptions_front) \
             straight_join tokens t force index (primary) on t.id = r.token_id \
             where r.sale_id = {sale} and r.priority >= 0 and t.status = 'WAITING' \
             order by r.priority, r.nth limit {limit}"
        )
    }
    pub(super) READ_FRONT {
        "select sale_id, ticket, priority, nth from code_redemptions force index (code_redemptions_front) \
         where sale_id = {sale} and priority >= 0"
    }
    pub(super) READ_NEW_IN_FRONT {
        "select sale_id, ticket, priority, nth from code_redemptions force index (code_redemptions_change) \
         where priority is not null and ({each})",
        each Part { text: "(sale_id = {sale} and change_seq > {seen})", between: " or " }
    }
}

/// Before whom a code puts those who wait, in the order of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Before all others; and before the opening, these alone are let in.
    Presale = 0,
    /// Before all who have no code.
    Front = 1,
}

impl Priority {
    fn from_column(number: u8) -> Result<Self, sqlx::Error> {
        match number {
            0 => Ok(Self::Presale),
            1 => Ok(Self::Front),
            other => Err(sqlx::Error::Decode(format!("{other} is no priority").into())),
        }
    }
}

/// A place in front: among those of one priority, the order in which codes were redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrontPlace {
    pub(crate) priority: Priority,
    pub(crate) nth: u64,
}

impl FrontPlace {
    pub(super) fn read(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self { priority: Priority::from_column(row.try_get("priority")?)?, nth: row.try_get("nth")? })
    }

    /// Lesser keys come first.
    const fn key(self) -> u64 {
        // The priority counts first: no gate ever has 2^56 redemptions.
        (self.priority as u64) << 56 | self.nth
    }
}

/// A code that joins of a batch name.
#[derive(Debug, Clone)]
pub(crate) struct CodeRow {
    pub(crate) id: AccessCodeId,
    pub(crate) kind: CodeKind,
    pub(crate) uses_left: u32,
    pub(crate) in_force: bool,
}

/// What a batch knows of codes in one sale.
#[derive(Debug, Default)]
pub(crate) struct FrontRows {
    pub(crate) codes: HashMap<CodeHash, CodeRow>,
    /// Which code tokens have redeemed, and the priority with which they wait for it.
    pub(crate) redeemed: HashMap<TokenId, (AccessCodeId, Option<Priority>)>,
    /// How many wait with each priority; read where a join names a code.
    pub(crate) waiting: [u64; 2],
    /// The first of those who have a place in front, in their order; read for a `Rerank`.
    pub(crate) first: Vec<(Token, FrontPlace)>,
}

impl FrontRows {
    /// How many wait with this priority or a higher one.
    pub(super) fn up_to(&self, priority: Priority) -> u64 {
        self.waiting[..=priority as usize].iter().sum()
    }
}

/// A code that a token redeems.
#[derive(Debug, Clone)]
pub(crate) struct Redemption {
    pub(crate) token: TokenId,
    pub(crate) ticket: u64,
    pub(crate) code: AccessCodeId,
    pub(crate) nth: u64,
    /// `None`: the token does not wait with a place in front.
    pub(crate) priority: Option<Priority>,
}

/// Locks the codes that joins name.
pub(super) fn select_codes(script: &mut Script, commands: &[Command]) -> Reading {
    let named = commands.iter().filter_map(|command| match command {
        Command::Join { sale, code, .. } => Some((*sale, (*code)?)),
        _ => None,
    });
    script.select_keys(&LOCK_CODES, named.collect(), |params, codes| params.each_group(codes, ["sale", "hashes"]))
}

pub(super) fn read_codes(selected: &ResultSet, reading: &Reading, rows: &mut RowsOfSales) -> Result<(), Failure> {
    for row in selected.rows(reading) {
        let hash: Vec<u8> = row.try_get("code_hash")?;
        let hash = hash.try_into().map_err(|_| sqlx::Error::Decode("a hash of another length".into()))?;
        let code = CodeRow {
            id: row.try_get("id")?,
            kind: CodeKind::from_column(row.try_get("kind")?)?,
            uses_left: row.try_get("uses_left")?,
            in_force: row.try_get("in_force")?,
        };
        if let Some(rows) = rows.get_mut(&row.try_get("sale_id")?) {
            rows.front.codes.insert(CodeHash(hash), code);
        }
    }
    Ok(())
}

/// What is read of a sale in which codes were redeemed.
pub(super) struct FrontReading {
    sale: SaleId,
    of_tokens: Reading,
    waiting: Option<Reading>,
    first: Option<Reading>,
}

/// After the gates are locked.
pub(super) fn select(script: &mut Script, commands: &[Command], rows: &RowsOfSales) -> Vec<FrontReading> {
    let in_use = rows.values().filter(|rows| rows.gate.redeemed > 0);
    let read = |rows: &super::rows::Rows| {
        let sale = rows.gate.sale;
        let live = rows.members.values().filter_map(|member| member.live.value().ok()?.as_ref());
        let made = rows.made.all().into_iter().flat_map(HashMap::keys).copied();
        let tokens = live.map(|token| token.id).chain(made).collect();
        let named = |command: &Command| matches!(command, Command::Join { sale: of, code: Some(_), .. } if *of == sale);
        FrontReading {
            sale,
            of_tokens: script.select_keys(&OF_TOKENS, tokens, |params, tokens| params.list("tokens", tokens)),
            waiting: commands
                .iter()
                .any(named)
                .then(|| script.select(&COUNT_WAITING, |params| params.bind("sale", sale))),
            first: rows
                .rerank
                .is_some()
                .then(|| script.select(&FIRST, |params| params.bind("sale", sale).bind("limit", RERANK_LIMIT))),
        }
    };
    in_use.map(read).collect()
}

impl FrontReading {
    pub(super) fn read(&self, selected: &ResultSet, rows: &mut RowsOfSales) -> Result<(), Failure> {
        let Some(rows) = rows.get_mut(&self.sale) else { return Ok(()) };
        for row in selected.rows(&self.of_tokens) {
            let priority: Option<u8> = row.try_get("priority")?;
            let priority = priority.map(Priority::from_column).transpose()?;
            rows.front.redeemed.insert(row.try_get("token_id")?, (row.try_get("code_id")?, priority));
        }
        for row in self.waiting.iter().flat_map(|reading| selected.rows(reading)) {
            let priority = Priority::from_column(row.try_get("priority")?)?;
            rows.front.waiting[priority as usize] = row.try_get::<i64, _>("waiting")?.max(0) as u64;
        }
        let first = self.first.iter().flat_map(|reading| selected.rows(reading));
        let first = first.map(|row| Ok((read_token(row)?, FrontPlace::read(row)?)));
        rows.front.first = first.collect::<Result<_, sqlx::Error>>()?;
        Ok(())
    }
}

/// Writes what is redeemed, and takes the places in front from those who wait no longer.
pub(super) fn write(script: &mut Script, effects: &Effects, now: Timestamp) {
    let gate = &effects.gate;
    if gate.redeemed == 0 {
        return;
    }
    let mut uses: HashMap<AccessCodeId, u32> = HashMap::new();
    for redemption in &effects.redeemed {
        *uses.entry(redemption.code).or_default() += 1;
    }
    for (uses, codes) in grouped(uses.into_iter().map(|(code, uses)| (uses, code))) {
        script.change_keys("using codes", 1, &USE, codes, |params, codes| {
            params.bind("uses", uses).bind("uses", uses).list("codes", codes)
        });
    }
    script.insert(&REDEEM, &effects.redeemed, |row, redemption| {
        let row = row.bind("token_id", redemption.token).bind("code_id", redemption.code).bind("sale_id", gate.sale);
        let row = row.bind("ticket", redemption.ticket).bind("nth", redemption.nth);
        let row = row.bind("priority", redemption.priority.map(|priority| priority as u32));
        row.bind("change_seq", gate.change_seq).bind("redeemed_at", now)
    });
    let gone = effects.ended.iter().map(|(token, _)| token).chain(&effects.admitted).map(|token| token.id);
    let mut gone: Vec<_> = gone.collect();
    gone.sort_unstable();
    for gone in gone.chunks(crate::sql::MAX_LIST) {
        script.change("leaving the front", None, &LEAVE_FRONT, |params| params.list("tokens", gone));
    }
}
