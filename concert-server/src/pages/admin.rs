//! `/admin`: the operators' page. It shows nothing of the house by itself: its script asks the REST interface, with an
//! operator key that the browser keeps for the tab.

use askama::Template;

use super::assets;
use super::visit::{Frame, Visit, show};
use crate::http::Answer;

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    frame: Frame,
}

impl AdminPage {
    /// Of the plots and the desk, beside that of all pages.
    fn style(&self) -> &'static str {
        assets::path("admin.css").unwrap_or_default()
    }
}

pub(super) async fn page(visit: Visit) -> Answer {
    let mut visit = visit.with_script("admin.js").await?;
    visit.frame.title = visit.frame.t.admin_title();
    show(&AdminPage { frame: visit.frame })
}
