//! The SQL of draws.

use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row as _};

use super::{Admissions, DrawCheck, DrawSecret, DrawVerification, DrawnToken, GateDraw, Places, PublicValue};
use crate::bytes::Bytes32;
use crate::clock::Timestamp;
use crate::id::{SaleId, TokenId};
use crate::sql::{Params, Text, fetch_all, fetch_each, statements};
use crate::token_status::TokenStatus;

/// The columns that `read_draw` reads, each with a prefix.
macro_rules! draw_columns {
    ($prefix:literal) => {
        $crate::sql::columns!($prefix: draw_secret, draw_commitment, draw_chain, draw_public_value, draw_count)
    };
}
pub(crate) use draw_columns;

statements! {
    DRAWS {
        concat!(
            "select sale_id, next_ticket, ", draw_columns!(""), " from queue_gate where draw_secret is not null"
        )
    }
    DRAW_OF {
        concat!(
            "select g.sale_id, g.next_ticket, s.opens_at, ", draw_columns!("g."),
            " from queue_gate g straight_join sales s force index (primary) on s.id = g.sale_id \
             where g.sale_id = {sale} and g.draw_secret is not null"
        )
    }
    TOKENS {
        "select ticket, id from tokens force index (tokens_ticket) where sale_id = {sale} and ticket <= {count} \
         order by ticket"
    }
    VISITS {
        "select ticket, id, status, admitted_at, last_updated_at from tokens force index (tokens_ticket) \
         where sale_id = {sale} and ticket <= {count} order by ticket"
    }
}

/// The draw of a gate; `None`: the sale is ordered by arrival.
pub(crate) fn read_draw(row: &MySqlRow) -> Result<Option<GateDraw>, sqlx::Error> {
    let Some(secret) = Bytes32::from_column(row, "draw_secret")? else { return Ok(None) };
    let there =
        |column| Bytes32::from_column(row, column)?.ok_or_else(|| sqlx::Error::ColumnNotFound(column.to_owned()));
    let public_value: Option<&str> = row.try_get("draw_public_value")?;
    Ok(Some(GateDraw {
        commitment: there("draw_commitment")?,
        secret: DrawSecret::from_bytes(secret),
        chain: there("draw_chain")?,
        public_value: public_value.map(|value| PublicValue(value.to_owned())),
        count: row.try_get("draw_count")?,
    }))
}

/// Binds the columns of a draw, or of none.
pub(crate) fn bind_draw<'p>(params: Params<'p>, draw: Option<&GateDraw>) -> Params<'p> {
    let params = params.bind("secret", draw.map(|draw| *draw.secret.reveal()));
    let params = params.bind("commitment", draw.map(|draw| draw.commitment)).bind("chain", draw.map(|draw| draw.chain));
    let value = draw.and_then(|draw| draw.public_value.as_ref());
    params.bind("public_value", value.map(|value| Text(value.as_str()))).bind("count", draw.and_then(|draw| draw.count))
}

/// What is wrong with the draws: a text for each, made or still to come.
pub(crate) async fn audit_draws(connection: &mut MySqlConnection) -> Result<Vec<String>, sqlx::Error> {
    let mut wrong = Vec::new();
    for row in fetch_all(&mut *connection, &DRAWS, |params| params).await? {
        let (sale, next_ticket): (SaleId, u64) = (row.try_get("sale_id")?, row.try_get("next_ticket")?);
        let Some(draw) = read_draw(&row)? else { continue };
        if !DrawCheck::commitment_agrees(&draw) {
            wrong.push(format!("sale {sale}: the commitment is not that of the secret"));
        }
        let count = draw.count.unwrap_or_else(|| (next_ticket - 1).min(super::MOST_DRAWN));
        let mut check = DrawCheck::new();
        let add = |row: MySqlRow| {
            check.add(row.try_get("ticket")?, row.try_get("id")?);
            Ok(())
        };
        fetch_each(&mut *connection, &TOKENS, |params| params.bind("sale", sale).bind("count", count), add).await?;
        if !check.tickets_agree(count) {
            wrong.push(format!("sale {sale}: {count} tickets are drawn, {} tokens are there", check.tokens()));
        } else if !check.chain_agrees(&draw) {
            wrong.push(format!("sale {sale}: the chain is not that of the {count} tokens"));
        }
    }
    Ok(wrong)
}

/// Computes the draw of a sale again. `each` gets every token that was drawn, in the order of tickets. `None`: there is no
/// such sale, it has no draw, or the draw is still to come.
pub(crate) async fn verify(
    connection: &mut MySqlConnection,
    sale: SaleId,
    mut each: impl FnMut(DrawnToken) + Send,
) -> Result<Option<DrawVerification>, sqlx::Error> {
    let rows = fetch_all(&mut *connection, &DRAW_OF, |params| params.bind("sale", sale)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let opened_at: Option<Timestamp> = row.try_get("opens_at")?;
    let Some(draw) = read_draw(row)? else { return Ok(None) };
    let shown = draw.shown();
    let (Some(key), Some(count)) = (shown.key(), shown.count) else { return Ok(None) };
    let (mut check, mut admissions) = (DrawCheck::new(), Admissions::new(Places::of_draw(&key, count)));
    let add = |row: MySqlRow| {
        let (ticket, token): (u64, TokenId) = (row.try_get("ticket")?, row.try_get("id")?);
        let let_in_at: Option<Timestamp> = row.try_get("admitted_at")?;
        let waits = TokenStatus::from_column(row.try_get("status")?)? == TokenStatus::Waiting;
        let ended_at = if waits { None } else { Some(row.try_get("last_updated_at")?) };
        check.add(ticket, token);
        // Who was let in before the opening, by a code, was not in the draw's hands.
        let by_draw = let_in_at.filter(|at| opened_at.is_none_or(|opened_at| opened_at <= *at));
        admissions.add(ticket, by_draw, let_in_at.or(ended_at));
        each(DrawnToken { ticket, token, place: admissions.places().place_of(ticket) });
        Ok(())
    };
    fetch_each(&mut *connection, &VISITS, |params| params.bind("sale", sale).bind("count", count), add).await?;
    Ok(Some(DrawVerification {
        sale_id: sale,
        draw: shown,
        tokens: check.tokens(),
        commitment_agrees: DrawCheck::commitment_agrees(&draw),
        tickets_agree: check.tickets_agree(count),
        chain_agrees: check.chain_agrees(&draw),
        passed_others: admissions.passed_others(),
    }))
}
