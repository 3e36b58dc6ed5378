//! `/door`: for gates. Everything is done by its script, with an operator key.

use askama::Template;

use super::visit::{Frame, Visit, show};
use crate::http::Answer;

/// The script of the door.
const SCRIPT: &str = "door.js";

#[derive(Template)]
#[template(path = "door.html")]
struct DoorPage {
    frame: Frame,
}

pub(super) async fn page(visit: Visit) -> Answer {
    let mut visit = visit.with_script(SCRIPT).await?;
    visit.frame.title = visit.frame.t.door_title();
    show(&DoorPage { frame: visit.frame })
}
