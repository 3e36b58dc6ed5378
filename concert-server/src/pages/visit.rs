//! A request for a page: who looks, in which language, and the frame around what is shown.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use chrono::SecondsFormat;
use concert_core::texts::{Language, Locale};
use concert_core::{BalanceChange, BoxOffice, Caller, Error, Money, RechargeBy, UserId};
use serde::Serialize;
use serde_json::value::RawValue;
use warp::Reply as _;
use warp::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use warp::http::{HeaderMap, HeaderValue, StatusCode};
use warp::reply::Response;

use super::body::Html;
use super::form::Form;
use super::session::{self, Session};
use super::shelf::Shelf;
use super::{assets, csrf, words};
use crate::http::{Answer, Call, Problem};
use crate::texts::Texts;

/// How long the access token counts that a page carries for its script.
const SCRIPT_SESSION: Duration = Duration::from_secs(5 * 60);

/// A page in the making.
pub(super) struct Visit {
    pub(super) call: Call,
    pub(super) shelf: Arc<Shelf>,
    pub(super) frame: Frame,
    pub(super) session: Option<Session>,
}

impl Visit {
    pub(super) async fn of(call: Call, shelf: Arc<Shelf>, frame: Frame) -> Result<Self, Problem> {
        // Also for pages that anyone may see: the frame shows whether somebody is logged in.
        let session = session::session(&call).await?;
        let mut visit = Self { call, shelf, frame, session };
        visit.frame.has_session = visit.session.is_some();
        if let Some(session) = &visit.session {
            visit.frame.csrf = csrf::token(&visit.frame.visit, Some(session.ticket.user));
        }
        let (language, policy) = (visit.frame.locale.language, visit.office().policy());
        let (locale, by) = (Locale::new(language, policy), policy.recharge());
        (visit.frame.locale, visit.frame.can_recharge) = (locale, by == RechargeBy::Everyone);
        Ok(visit)
    }

    pub(super) fn office(&self) -> &BoxOffice {
        self.call.box_office()
    }

    /// The id in the path. What is no id names no page.
    pub(super) fn id<T: FromStr>(&self) -> Result<T, Problem> {
        self.call.parameter().parse().map_err(|_| Problem::route_not_found())
    }

    /// The user of the session; without one, a refusal that leads to the log-in.
    pub(super) fn user(&self) -> Result<UserId, Problem> {
        self.session.as_ref().map(|session| session.ticket.user).ok_or_else(|| Error::LoginRequired.into())
    }

    /// The user of the session as the caller of an operation.
    pub(super) fn caller(&self) -> Result<Caller, Problem> {
        self.user().map(Caller::verified)
    }

    /// Reads a form of whoever is logged in, which must come from a page of ours.
    pub(super) async fn form(&mut self) -> Result<Form, Problem> {
        let form = Form::parse(&self.call.form_text().await?);
        let headers = self.call.headers();
        // Without a session nothing is done anyway, so nobody need be told of forms.
        if self.session.is_none() && csrf::is_from_here(headers) {
            return Err(Error::LoginRequired.into());
        }
        csrf::check(headers, form.get("csrf"), self.session.as_ref().map(|session| session.ticket.user))?;
        Ok(form)
    }

    /// The same of a form that nobody need be logged in for, though somebody may be by now, in another tab.
    pub(super) async fn form_of_anybody(&mut self) -> Result<Form, Problem> {
        let form = Form::parse(&self.call.form_text().await?);
        let (headers, sent) = (self.call.headers(), form.get("csrf"));
        let user = self.session.as_ref().map(|session| session.ticket.user);
        csrf::check(headers, sent, None).or_else(|_| csrf::check(headers, sent, user))?;
        Ok(form)
    }

    /// A part of the query; empty: it is not there.
    pub(super) fn asked(&self, name: &str) -> String {
        self.frame.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The data block for scripts, with a short session for them.
    pub(super) async fn with_script(mut self, name: &'static str) -> Result<Self, Problem> {
        self.frame.script = assets::path(name);
        let data = script_session(self.office(), self.session.as_ref(), &self.frame).await?;
        // Nothing in it can end the element that it stands in.
        self.frame.data = serde_json::to_string(&data).map_err(Problem::internal)?.replace('<', "\\u003c");
        Ok(self)
    }
}

/// What a page tells its script, and what a renewal answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScriptSession {
    /// For the Authorization header; null: nobody is logged in.
    token: Option<String>,
    expires_at: Option<String>,
    user_id: Option<UserId>,
    /// The queue token of the sale that the page is about, if the user is in its queue.
    queue_token: Option<String>,
    /// For the header X-CSRF-Token of a renewal.
    csrf: String,
    now: String,
    language: &'static str,
    texts: Box<RawValue>,
}

pub(super) async fn script_session(
    office: &BoxOffice,
    session: Option<&Session>,
    frame: &Frame,
) -> Result<ScriptSession, Problem> {
    // A script that was tricked into telling its token tells one that ends within minutes.
    let short = match session {
        Some(session) => Some(office.shorten_session(&session.token, SCRIPT_SESSION).await?),
        None => None,
    };
    let written = |at: concert_core::Timestamp| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    Ok(ScriptSession {
        expires_at: short.as_ref().map(|short| written(short.expires_at)),
        user_id: short.as_ref().map(|short| short.user),
        token: short.and_then(|short| short.access_token),
        queue_token: frame.queue_token.clone(),
        csrf: frame.csrf.clone(),
        // The clock of a telephone may be wrong by minutes; scripts count down by this one.
        now: written(office.now()),
        language: frame.locale.language.tag(),
        texts: RawValue::from_string(frame.t.of_scripts().to_owned()).map_err(Problem::internal)?,
    })
}

/// What is around every page. Templates take it as `frame`.
#[derive(Clone)]
pub(super) struct Frame {
    /// The language of the page; of the house its currency, and its zone for what has no venue.
    pub(super) locale: Locale,
    /// The texts in that language.
    pub(super) t: Texts,
    /// Whether users put money into their own wallets.
    pub(super) can_recharge: bool,
    /// Of the sale that the page is about: for its script.
    pub(super) queue_token: Option<String>,
    pub(super) has_session: bool,
    /// Whether the browser shows a session, which may have ended.
    pub(super) had_session: bool,
    /// For the forms of the page.
    pub(super) csrf: String,
    /// The visit that they are bound to.
    pub(super) visit: String,
    /// Whether the page is the answer to a form, and so is not at its own address.
    pub(super) answers_form: bool,
    /// Of the page.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) title: String,
    /// What went wrong, shown at the top.
    pub(super) trouble: Option<Trouble>,
    /// After how many seconds a browser without scripts loads the page again.
    pub(super) refresh: Option<u64>,
    pub(super) script: Option<&'static str>,
    pub(super) data: String,
}

/// A refusal in plain words, and what can be done now.
#[derive(Clone)]
pub(super) struct Trouble {
    pub(super) code: &'static str,
    pub(super) text: String,
    /// Where to go on: the address and its name.
    pub(super) way: Option<(String, String)>,
}

impl Frame {
    /// For a browser that sent these headers, whose forms are bound to this visit.
    pub(super) fn new(headers: &HeaderMap, language: Language, visit: &str) -> Self {
        Self {
            locale: Locale { language, ..Locale::default() },
            t: Texts::new(language),
            can_recharge: false,
            queue_token: None,
            has_session: session::shows_session(headers),
            had_session: session::shows_session(headers),
            csrf: csrf::token(visit, None),
            visit: visit.to_owned(),
            answers_form: false,
            path: "/".to_owned(),
            query: Vec::new(),
            title: String::new(),
            trouble: None,
            refresh: None,
            script: assets::path("buyer.js"),
            data: String::new(),
        }
    }

    pub(super) fn money(&self, amount: Money) -> String {
        self.locale.money(amount.as_decimal())
    }

    pub(super) fn change(&self, change: BalanceChange) -> String {
        let text = self.locale.money(change.as_decimal());
        // A minus as long as the plus, and no hyphen.
        if text.starts_with('-') { text.replace('-', "−") } else { format!("+{text}") }
    }

    pub(super) const fn lang(&self) -> &'static str {
        self.locale.language.tag()
    }

    /// The other language: its code, its name in itself, and this page in it.
    pub(super) fn other_language(&self) -> (&'static str, &'static str, String) {
        let (other, name) = words::other(self.locale.language);
        let code = other.tag();
        let mut query: Vec<_> = self.query.iter().filter(|(name, _)| name != "lang").cloned().collect();
        query.push(("lang".to_owned(), code.to_owned()));
        (code, name, format!("{}?{}", self.path, serde_urlencoded::to_string(query).unwrap_or_default()))
    }

    /// The pages of whoever is logged in.
    pub(super) fn links(&self) -> [(&'static str, String); 4] {
        let t = self.t;
        [("/", t.nav_home()), ("/orders", t.nav_orders()), ("/tickets", t.nav_tickets()), ("/wallet", t.nav_wallet())]
    }

    pub(super) fn style(&self) -> &'static str {
        assets::path("style.css").unwrap_or_default()
    }

    pub(super) fn icon(&self) -> &'static str {
        assets::path("icon.svg").unwrap_or_default()
    }

    /// This page's address, to come back to after log-in.
    pub(super) fn here(&self) -> String {
        let query: Vec<_> = self.query.iter().filter(|(name, _)| name != "lang").collect();
        if query.is_empty() {
            return self.path.clone();
        }
        format!("{}?{}", self.path, serde_urlencoded::to_string(query).unwrap_or_default())
    }

    /// The page that a form stands in which is sent to this address.
    pub(super) fn page_of_form(&self) -> String {
        match (self.path.as_str(), self.path.rfind('/')) {
            // Every page has the form of the log-out.
            ("/log-out", _) | (_, None) => "/".to_owned(),
            (page, Some(0)) => page.to_owned(),
            (act, Some(at)) => act[..at].to_owned(),
        }
    }

    /// What is typed and where it leads stay in the address of the page, also in the other language.
    pub(super) fn keep(&mut self, next: &str, username: &str) {
        self.query.retain(|(name, _)| name != "next" && name != "username");
        let kept = [("next", next), ("username", username)];
        // The start is where a log-in leads anyway.
        let kept = kept.into_iter().filter(|(_, value)| !matches!(*value, "" | "/"));
        self.query.extend(kept.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    /// The log-in, which leads back here.
    pub(super) fn log_in_path(&self) -> String {
        format!("/log-in?{}", serde_urlencoded::to_string([("next", self.here())]).unwrap_or_default())
    }
}

/// Whoever asks for the address of a form is led to the page that it stands in.
pub(super) async fn to_its_page(visit: Visit) -> Answer {
    go_to(&visit.frame.page_of_form())
}

/// Answers with a page.
pub(super) fn show(page: &impl Template) -> Answer {
    show_with(StatusCode::OK, page)
}

pub(super) fn show_with(status: StatusCode, page: &impl Template) -> Answer {
    let mut response = Response::default();
    *response.status_mut() = status;
    response.extensions_mut().insert(Html(page.render().map_err(Problem::internal)?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

/// Leads on after a form, so that loading the page again sends nothing again.
pub(super) fn go_to(path: &str) -> Answer {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, HeaderValue::try_from(path).map_err(Problem::internal)?);
    Ok(response)
}

/// The same answer, which also sets a cookie.
pub(super) fn with_cookie(answer: Answer, cookie: HeaderValue) -> Answer {
    answer.map(|mut response| {
        response.headers_mut().append(SET_COOKIE, cookie);
        response
    })
}
