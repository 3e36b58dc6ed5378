//! `/wallet`: the balance, how it came about, and putting money in where the house lets users do that.

use askama::Template;
use concert_core::{Error, Money, Page, WalletEntryId, WalletEntryKind};
use warp::http::StatusCode;

use super::log_in::next;
use super::visit::{Frame, Trouble, Visit, go_to, show_with};
use super::when::Shown;
use super::{keys, refusal};
use crate::http::{Answer, Problem};

#[derive(Template)]
#[template(path = "wallet.html")]
struct WalletPage {
    frame: Frame,
    username: String,
    balance: String,
    can_recharge: bool,
    key: String,
    amount: String,
    /// The order that the money is for; empty: none.
    next: String,
    entries: Vec<EntryLine>,
    older: Option<WalletEntryId>,
}

struct EntryLine {
    at: Shown,
    what: String,
    change: String,
    balance: String,
}

pub(super) async fn page(visit: Visit) -> Answer {
    let (next, amount) = (visit.asked("next"), visit.asked("amount"));
    answer(visit, StatusCode::OK, amount, &next).await
}

async fn answer(visit: Visit, status: StatusCode, amount: String, to: &str) -> Answer {
    let (caller, user) = (visit.caller()?, visit.user()?);
    let balance = visit.office().balance(caller.clone()).await?;
    let username = visit.office().user(user).await?.username;
    let page = Page::new(None, visit.asked("after").parse().ok())?;
    let found = visit.office().wallet_entries(caller.clone(), page).await?;
    // Two tabs that show the same wallet recharge it once.
    let newest = visit.office().wallet_entries(caller, Page::new(Some(1), None)?).await?.data.pop();
    let newest = newest.map(|entry| entry.id.to_string()).unwrap_or_default();
    let mut visit = visit.with_script("buyer.js").await?;
    let frame = &mut visit.frame;
    frame.title = frame.t.wallet_title();
    let can_recharge = frame.can_recharge;
    let line = |entry: &concert_core::WalletEntryView| EntryLine {
        at: Shown::of(frame, entry.created_at, frame.locale.zone),
        what: match entry.kind {
            WalletEntryKind::Recharge => frame.t.wallet_kind_recharge(),
            WalletEntryKind::Payment => frame.t.wallet_kind_payment(),
            WalletEntryKind::Refund => frame.t.wallet_kind_refund(),
            other => other.as_str().to_owned(),
        },
        change: frame.change(entry.amount),
        balance: frame.money(entry.balance_after),
    };
    let page = WalletPage {
        username,
        balance: frame.money(balance),
        can_recharge,
        key: keys::of_state("recharge", &[&user, &newest]),
        amount,
        next: if to.is_empty() { String::new() } else { next(to) },
        entries: found.data.iter().map(line).collect(),
        older: found.data.last().filter(|_| found.has_more).map(|entry| entry.id),
        frame: visit.frame,
    };
    show_with(status, &page)
}

pub(super) async fn recharge(mut visit: Visit) -> Answer {
    let form = visit.form().await?;
    let caller = visit.caller()?;
    let (amount, to) = (form.get("amount").to_owned(), form.get("next").to_owned());
    let done = match amount.parse::<Money>() {
        Ok(money) => visit.office().recharge(caller.with_key(form.key()), money).await,
        Err(error) => Err(error.into()),
    };
    let error = match done {
        Ok(_) if to.is_empty() => return go_to("/wallet"),
        Ok(_) => return go_to(&next(&to)),
        Err(error) => error,
    };
    let problem = Problem::from(error.clone());
    if !problem.status().is_client_error() {
        return Err(problem);
    }
    visit.frame.path = "/wallet".to_owned();
    visit.frame.trouble = Some(match error {
        Error::InvalidInput(_) => {
            Trouble { code: "INVALID_REQUEST", text: visit.frame.t.trouble_wallet_amount(), way: None }
        }
        error => refusal::trouble(&visit.frame, &error, None),
    });
    answer(visit, problem.status(), amount, &to).await
}
