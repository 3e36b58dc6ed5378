//! Pages: what buyers, gates and operators see in a browser.
//!
//! A page is rendered here and needs no script. It reads and does what the REST interface does, through the same
//! operations of the library; scripts then call the REST interface. Forms are answered with a redirect, so that loading a
//! page again repeats nothing, and each carries a key under which it is carried out once.
//!
//! # Adding a page
//! 1. A template in `pages/templates` that extends `base.html` and fills the block `main`.
//! 2. A file here with a struct that derives `Template`, has a field `frame: Frame`, and a handler
//!    `async fn name(visit: Visit) -> Answer` that ends in `show(&page)`.
//! 3. A line in [`endpoints`]: `get("/path", shelf, file::name)`, or `post(..)` for a form, whose handler begins with
//!    `visit.form().await?`: that refuses forms from elsewhere. A GET of its address leads to the page one level up.
//! 4. Its texts in `pages/texts/en.ftl` and `ko.ftl`: a text `go-home` is `{{ frame.t.go_home() }}` in templates. Texts that a
//!    script shows have ids that begin with `script-`.
//! 5. A script: its file in `assets.rs`, and `visit.with_script("name.js").await?` in the handler, which also puts the session
//!    for scripts into the page. Without it a page has `buyer.js`, which then knows of no session.
//!
//! What is refused is an `Err(Problem)`, as in the REST interface; `refusal.rs` makes a page of it.

mod admin;
mod assets;
mod body;
mod concert;
mod csrf;
mod door;
mod form;
mod home;
mod keys;
mod log_in;
mod order;
mod orders;
mod place;
mod policy;
mod refusal;
mod sale;
mod session;
mod shelf;
mod sign_up;
mod ticket;
mod visit;
mod wallet;
mod when;
mod words;

use std::sync::Arc;

use concert_core::texts::Language;
use warp::http::HeaderValue;
use warp::http::header::SET_COOKIE;

pub(crate) use self::refusal::show_problem;
use self::shelf::Shelf;
use self::visit::{Frame, Visit};
use crate::brakes::Brake;
use crate::http::{Answer, Call, Endpoint, Route, endpoint};

/// The pages and the forms.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let shelf = &Arc::default();
    let mut all = vec![
        get("/", shelf, home::home),
        get("/sign-up", shelf, sign_up::page),
        post("/sign-up", shelf, sign_up::sign_up).braked_by(Brake::SignUpsPerAddress),
        get("/log-in", shelf, log_in::page),
        post("/log-in", shelf, log_in::log_in).braked_by(Brake::LogInsPerAddress),
        post("/log-out", shelf, log_in::log_out),
        get("/sales/{saleId}", shelf, sale::page),
        post("/sales/{saleId}/join", shelf, sale::join).braked_by(Brake::JoinsPerAddress),
        post("/sales/{saleId}/leave", shelf, sale::leave),
        get("/concerts/{concertId}", shelf, concert::page),
        post("/concerts/{concertId}/hold", shelf, concert::hold),
        get("/orders", shelf, orders::orders),
        get("/orders/{orderId}", shelf, order::page),
        post("/orders/{orderId}/pay", shelf, order::pay),
        post("/orders/{orderId}/extend", shelf, order::extend),
        post("/orders/{orderId}/give-back", shelf, order::give_back),
        get("/tickets", shelf, orders::tickets),
        get("/tickets/{ticketId}", shelf, ticket::page),
        get("/admin", shelf, admin::page),
        get("/door", shelf, door::page),
        get("/wallet", shelf, wallet::page),
        post("/wallet/recharge", shelf, wallet::recharge),
    ];
    let at = |method: &'static str| all.iter().filter(move |endpoint: &&Endpoint| endpoint.route.method == method);
    let forms = at("POST").map(|form| form.route.template);
    let forms = forms.filter(|form| !at("GET").any(|page| page.route.template == *form)).collect::<Vec<_>>();
    // Whoever comes there by hand or by "back".
    all.extend(forms.into_iter().map(|form| get(form, shelf, visit::to_its_page)));
    all.push(endpoint("POST", "/session/renew", log_in::renew));
    all.extend(assets::endpoints());
    all
}

/// Every route of the pages. They are no part of the REST interface.
#[must_use]
pub fn page_routes() -> Vec<Route> {
    endpoints().into_iter().map(|endpoint| endpoint.route).collect()
}

fn get<R>(template: &'static str, shelf: &Arc<Shelf>, handler: fn(Visit) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    page("GET", template, shelf, handler)
}

fn post<R>(template: &'static str, shelf: &Arc<Shelf>, handler: fn(Visit) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    page("POST", template, shelf, handler)
}

/// A page: with its frame, its cookies and its headers.
fn page<R>(method: &'static str, template: &'static str, shelf: &Arc<Shelf>, handler: fn(Visit) -> R) -> Endpoint
where
    R: Future<Output = Answer> + Send + 'static,
{
    let shelf = Arc::clone(shelf);
    let answer = move |call: Call| {
        let shelf = Arc::clone(&shelf);
        async move {
            // Before the handler takes the call, and also for what is refused.
            let (mut frame, cookies) = frame(&call, template);
            let headers = call.headers().clone();
            let is_form = method == "POST";
            frame.answers_form = is_form;
            let visit = Visit::of(call, shelf, frame.clone()).await;
            let answer = match visit {
                Ok(visit) => handler(visit).await,
                Err(problem) => Err(problem),
            };
            let mut response = match answer {
                Ok(response) => response,
                Err(problem) => refusal::answer(frame, is_form, problem),
            };
            policy::add(&mut response);
            for cookie in cookies {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(body::write(&headers, response))
        }
    };
    endpoint(method, template, answer).into_page()
}

/// The frame of a page, and the cookies that the browser does not have yet.
fn frame(call: &Call, template: &str) -> (Frame, Vec<HeaderValue>) {
    let headers = call.headers();
    let mut cookies = Vec::new();
    let query: Vec<(String, String)> = call.query().unwrap_or_default();
    let switched = query.iter().find(|(name, _)| name == "lang").and_then(|(_, code)| Language::from_tag(code));
    if let Some(language) = switched {
        let life = Some(session::LANGUAGE_LIFE);
        cookies.push(session::write(headers, session::LANGUAGE, language.tag(), "/", life));
    }
    let visit = session::visits(headers).next().map(str::to_owned).unwrap_or_else(|| {
        let new = session::new_visit();
        cookies.push(session::visit_cookie(headers, &new));
        new
    });
    let mut frame = Frame::new(headers, switched.unwrap_or_else(|| words::language(headers)), &visit);
    frame.path = match template.split_once('{').zip(template.split_once('}')) {
        Some(((before, _), (_, after))) => format!("{before}{}{after}", call.parameter()),
        None => template.to_owned(),
    };
    frame.query = query;
    (frame, cookies)
}
