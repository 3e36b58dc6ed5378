//! Every route with every credential. A route without its row fails; a new credential is a column of every row.

mod requests;
mod stage;
mod table;

use std::collections::BTreeSet;

use self::stage::Stage;
use self::table::Shown::*;
use self::table::{COLUMNS, Cell, LOGIN_REQUIRED, NOT_ALLOWED, NOT_YOURS, Shown, UNAUTHENTICATED, row, session};
use crate::http::documented;

fn served() -> Vec<String> {
    concert_server::routes().into_iter().map(|route| format!("{} {}", route.method, route.template)).collect()
}

#[tokio::test]
async fn a1_to_a10_every_route_answers_every_credential_as_the_table_says() {
    let mut stage = Stage::open().await;
    let (mut used, mut wrong, mut nth) = (0, Vec::new(), 0);
    for route in served() {
        let row = row(&route).unwrap_or_else(|| panic!("{route} has no row in the table of routes and credentials"));
        for (shown, expected) in COLUMNS.into_iter().zip(row) {
            nth += 1;
            let scene = stage.scene(&mut used).await;
            let ask = stage.ask(&route, &scene, (used, nth));
            let ask = match stage.credential(shown, &scene) {
                Some(credential) => ask.bearer(&credential),
                None => ask,
            };
            let (status, code) = stage.answer(&route, ask).await;
            if (status, code.as_str()) != expected {
                wrong.push(format!("{route} with {shown:?}: {status} {code}, not {expected:?}"));
            }
            if row == session() && status < 300 {
                stage.renew_sessions().await;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    stage.site.house.assert_sound().await;
}

#[test]
fn a1_to_a10_the_table_has_the_columns_once_and_no_row_of_a_route_that_is_gone() {
    let columns: BTreeSet<_> = COLUMNS.iter().map(|shown| format!("{shown:?}")).collect();
    assert_eq!(columns.len(), COLUMNS.len());
    assert!(row("GET /nowhere").is_none());
}

/// A key changes nothing of who may: with the key of Anna's request, others are answered as without one.
#[tokio::test]
async fn a1_a_known_key_opens_no_route_to_anybody() {
    let stage = Stage::open().await;
    let (mut used, mut wrong) = (0, Vec::new());
    let keyed: Vec<_> =
        served().into_iter().filter(|route| route.starts_with("POST /api/v1/") && is_own(route)).collect();
    assert!(keyed.len() >= 6, "{keyed:?}");
    for route in keyed {
        let row = row(&route).expect("a row");
        for (shown, expected) in COLUMNS.into_iter().zip(row).filter(|(_, (status, _))| *status >= 400) {
            let scene = stage.scene(&mut used).await;
            let key = format!("key {used}");
            let ask = || stage.ask(&route, &scene, (used, 0)).key(&key);
            let (status, code) = stage.answer(&route, ask().bearer(&stage.session)).await;
            assert!(status < 300, "{route}: {status} {code}");
            let again = match stage.credential(shown, &scene) {
                Some(credential) => ask().bearer(&credential),
                None => ask(),
            };
            let (status, code) = stage.answer(&route, again).await;
            // Whoever pays again with an ended token learns that it is paid, and no more.
            let is_paid = route.ends_with("/process") && shown == EndedToken && code == "ALREADY_PAID";
            if (status, code.as_str()) != expected && !is_paid {
                wrong.push(format!("{route} with {shown:?} and the key: {status} {code}, not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the route is for the user whom the request is about.
fn is_own(route: &str) -> bool {
    row(route).is_some_and(|row| COLUMNS.into_iter().zip(row).any(|cell| matches!(cell, (BensSession, NOT_YOURS))))
}

/// What the document says about a route's credentials, as the table has it: which kinds are taken, and from which role
/// on.
fn taken(row: &[Cell; COLUMNS.len()]) -> BTreeSet<(&'static str, &'static str)> {
    let cell = |shown: Shown| row[COLUMNS.iter().position(|column| *column == shown).expect("a column")];
    let mut taken = BTreeSet::new();
    if cell(Garbage) != UNAUTHENTICATED {
        return taken;
    }
    for (shown, scheme) in [(Session, "session"), (Token, "queueToken")] {
        if cell(shown) != UNAUTHENTICATED {
            taken.insert((scheme, ""));
        }
    }
    let roles = [(ViewerKey, "viewer"), (GateKey, "gate"), (OperatorKey, "operator")];
    if let Some((_, role)) = roles.iter().find(|(key, _)| ![UNAUTHENTICATED, NOT_ALLOWED].contains(&cell(*key))) {
        taken.insert(("operatorKey", role));
    }
    // Users without a password join by id where that is allowed.
    if cell(Nothing) == LOGIN_REQUIRED {
        taken.insert(("", ""));
    }
    taken
}

#[test]
fn the_document_says_what_each_route_takes() {
    for route in concert_server::routes() {
        let line = format!("{} {}", route.method, route.template);
        let Some(operation) = documented::operation(&line) else { continue };
        let row = row(&line).unwrap_or_else(|| panic!("{line} has no row in the table"));
        let said: BTreeSet<_> = operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|scheme| match scheme.as_object().and_then(|scheme| scheme.iter().next()) {
                Some((name, roles)) => (name.as_str(), roles[0].as_str().unwrap_or_default()),
                None => ("", ""),
            })
            .collect();
        assert_eq!(said, taken(&row), "{line}");
    }
}
