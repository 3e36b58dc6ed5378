//! The browsers of buyers: what the pages load at each step, beside what people do on them.
//!
//! As `concert-server/pages` has it: a page, the files that it names, then what its script asks for. Files and plans
//! have a name for each content, so a browser that has one asks no more; somebody who has been here before asks whether
//! they have changed, as after a reload.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concert_core::{BoxOffice, UserId, internals};
use tokio::sync::Semaphore;

use crate::Failure;
use crate::buyer::Buyer;
use crate::crowd::Sale;
use crate::ending::Ending;
use crate::hall::content;
use crate::live::Live;
use crate::meter::{Loads, Step};
use crate::opts::Browsers;
use crate::wire::{Answer, request};

/// What browsers say that they take.
const PAGE: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const ANYTHING: &str = "*/*";
const JSON: &str = "application/json";
const CODINGS: &str = "gzip, deflate, br, zstd";
/// One of two is Korean.
const LANGUAGES: [&str; 2] = ["ko-KR,ko;q=0.9,en;q=0.8", "en-US,en;q=0.9"];
/// How an attribute begins that names a file.
const FILE: &str = "=\"/assets/";
/// How long the crowd stays logged in.
const SESSION: Duration = Duration::from_secs(6 * 3_600);
/// How often somebody looks at the page of a hall without a free seat before going to that of the other.
const LOOKS_AT_A_HALL: u32 = 10;
/// Who has been here before is spread evenly over the crowd: by the golden ratio.
const SPREAD: f64 = 0.618_033_988_749_895;

/// What all browsers share: what one of them was sent, the others would be sent, too.
pub struct Pages {
    /// For sessions, which it signs with the servers' secret.
    office: BoxOffice,
    options: Browsers,
    /// The files that a page names, by what page it is.
    files: Mutex<HashMap<&'static str, Arc<[String]>>>,
    /// The tags of files and plans, by their paths.
    tags: Mutex<HashMap<String, String>>,
    /// Places for streams.
    streams: Arc<Semaphore>,
}

/// The browser of one buyer.
#[derive(Default)]
pub struct Browser {
    /// The access token of the session, as a cookie.
    session: String,
    /// Files and plans, by their paths.
    has: HashSet<String>,
    /// The hall that is shown: which one, and its stream.
    hall: Option<(usize, Option<Live>)>,
    /// How often no seat was free where it was looked.
    looks_in_vain: u32,
}

impl Browser {
    /// Nothing is shown any more that goes on asking.
    pub fn leave_hall(&mut self) {
        self.hall = None;
    }

    /// Whether the page of a hall that has no free seat stays open: the first time its user looks at the other hall, then
    /// watches each for a while. Without a page there is nothing to watch.
    pub fn keeps_watching(&mut self) -> bool {
        self.looks_in_vain += 1;
        self.hall.is_some() && self.looks_in_vain % LOOKS_AT_A_HALL != 1
    }
}

impl Pages {
    pub fn new(office: BoxOffice, options: &Browsers) -> Self {
        let streams = Arc::new(Semaphore::new(options.streams as usize));
        Self { office, options: options.clone(), files: Mutex::default(), tags: Mutex::default(), streams }
    }

    /// Whether the `nth` of the crowd has been here before.
    fn is_returning(&self, nth: u32) -> bool {
        (f64::from(nth) * SPREAD).fract() < self.options.returning.0
    }

    fn session(&self, user: UserId) -> Result<String, Failure> {
        let until = self.office.now() + SESSION;
        Ok(internals::session_of(&self.office, user, until)?.ok_or("no keys to sign sessions with")?)
    }

    fn files_of(&self, page: Step, answer: &Answer) -> Result<Arc<[String]>, Failure> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = files.get(page.name()) {
            return Ok(Arc::clone(files));
        }
        let found: Arc<[String]> = files_in(&String::from_utf8(content(answer)?)?).into();
        files.insert(page.name(), Arc::clone(&found));
        Ok(found)
    }

    fn tag(&self, path: &str) -> Option<String> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn keep_tag(&self, path: &str, answer: &Answer) {
        if let Some(tag) = answer.header("etag") {
            self.tags.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), tag.to_owned());
        }
    }
}

/// The files that a page names.
fn files_in(page: &str) -> Vec<String> {
    let named = page.split(FILE).skip(1).filter_map(|rest| rest.split('"').next());
    named.map(|name| format!("/assets/{name}")).collect()
}

impl Buyer {
    /// The page of the sale, which is also that of the queue.
    pub(crate) async fn see_sale(&mut self, sale: &Sale) -> Result<(), Ending> {
        self.browser.leave_hall();
        self.see(sale, Step::SalePage, &format!("/sales/{}", sale.program.sale)).await
    }

    /// The page to which holding and paying lead.
    pub(crate) async fn see_order(&mut self, sale: &Sale, order: concert_core::OrderId) -> Result<(), Ending> {
        self.browser.leave_hall();
        self.see(sale, Step::OrderPage, &format!("/orders/{order}")).await
    }

    pub(crate) async fn see_wallet(&mut self, sale: &Sale) -> Result<(), Ending> {
        self.see(sale, Step::WalletPage, "/wallet").await
    }

    /// The page of the concert, and what its script asks for; nothing where it is open already.
    pub(crate) async fn see_hall(&mut self, sale: &Sale) -> Result<(), Ending> {
        let Some(pages) = &sale.pages else { return Ok(()) };
        if self.browser.hall.as_ref().is_some_and(|(concert, _)| *concert == self.concert) {
            return Ok(());
        }
        self.browser.leave_hall();
        let concert = self.concert_id(sale);
        self.see(sale, Step::ConcertPage, &format!("/concerts/{concert}")).await?;
        let plan = format!("/api/v1/reservations/{concert}/plan");
        if let Some(version) = self.ask_for_states(sale).await? {
            self.load_once(sale, Step::Plan, &format!("{plan}?version={version}")).await?;
        }
        let place = Arc::clone(&pages.streams).try_acquire_owned().ok();
        let address = sale.agent(self.server).address();
        let live = place.map(|place| Live::follow(address, &format!("{plan}/state"), &sale.meter, place));
        self.browser.hall = Some((self.concert, live));
        Ok(())
    }

    /// Looks at the hall as its page shows it: what was pushed, or else what it asks for.
    pub(crate) async fn look_at_page(&mut self, sale: &Sale) -> Result<(), Ending> {
        self.see_hall(sale).await?;
        let shown = self.browser.hall.as_ref().and_then(|(_, live)| live.as_ref()?.shown());
        match shown {
            Some((tag, bits)) => self.seen = Some(sale.halls[self.concert].view_of(&tag, || Ok(bits))?),
            None => drop(self.ask_for_states(sale).await?),
        }
        Ok(())
    }

    /// The states as JSON, if they are others than those that were seen last. Returns the version of their plan.
    async fn ask_for_states(&mut self, sale: &Sale) -> Result<Option<String>, Ending> {
        let path = format!("/api/v1/reservations/{}/plan/state", self.concert_id(sale));
        let tag = self.seen.as_ref().map(|seen| seen.etag.clone());
        let answer = self.load(sale, Step::States, &path, JSON, tag.as_deref()).await?;
        if answer.status == 200 {
            self.seen = Some(sale.halls[self.concert].view(&answer)?);
        }
        Ok(answer.header("x-plan-version").map(str::to_owned))
    }

    /// Loads a page, and the files that it names.
    async fn see(&mut self, sale: &Sale, page: Step, path: &str) -> Result<(), Ending> {
        let Some(pages) = &sale.pages else { return Ok(()) };
        let answer = self.load(sale, page, path, PAGE, None).await?;
        if answer.status == 200 {
            for file in pages.files_of(page, &answer)?.iter() {
                self.load_once(sale, Step::File, file).await?;
            }
        }
        Ok(())
    }

    /// Loads what never changes under its name, unless the browser has it.
    async fn load_once(&mut self, sale: &Sale, step: Step, path: &str) -> Result<(), Ending> {
        let Some(pages) = sale.pages.as_ref().filter(|_| !self.browser.has.contains(path)) else { return Ok(()) };
        let tag = if pages.is_returning(self.nth) { pages.tag(path) } else { None };
        let answer = self.load(sale, step, path, ANYTHING, tag.as_deref()).await?;
        if answer.status == 200 {
            if tag.is_some() {
                sale.meter.refused(step, "SENT_AGAIN");
            }
            pages.keep_tag(path, &answer);
        }
        self.browser.has.insert(path.to_owned());
        Ok(())
    }

    /// Makes one request as a browser does. An answer of another status than it should have is counted, and shown as the
    /// browser shows it: people go on.
    async fn load(
        &mut self,
        sale: &Sale,
        step: Step,
        path: &str,
        accept: &str,
        tag: Option<&str>,
    ) -> Result<Answer, Ending> {
        let language = LANGUAGES[self.nth as usize % LANGUAGES.len()];
        let mut headers = vec![("accept", accept), ("accept-encoding", CODINGS), ("accept-language", language)];
        headers.extend(tag.map(|tag| ("if-none-match", tag)));
        let cookies = if accept == PAGE { self.cookies(sale, step)? } else { String::new() };
        headers.extend((!cookies.is_empty()).then_some(("cookie", cookies.as_str())));
        let answer = sale.agent(self.server).ask(&sale.meter, step, &request("GET", path, &headers, None)).await?;
        let not_modified = answer.status == 304;
        sale.meter.loaded(
            step,
            Loads { not_modified: not_modified.into(), bytes: answer.body.len() as u64, ..Loads::default() },
        );
        if !(answer.status == 200 || not_modified && tag.is_some() || answer.status >= 400) {
            sale.meter.refused(step, &format!("HTTP_{}", answer.status));
        }
        Ok(answer)
    }

    /// Of the session, and for the page of the sale the place in its queue.
    fn cookies(&mut self, sale: &Sale, page: Step) -> Result<String, Failure> {
        if let Some(pages) = sale.pages.as_ref().filter(|_| self.browser.session.is_empty()) {
            self.browser.session = pages.session(self.user)?;
        }
        let place = if page == Step::SalePage && !self.token.is_empty() {
            format!("; concert_place={}", self.token)
        } else {
            String::new()
        };
        Ok(format!("concert_session={}{place}", self.browser.session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_page_are_those_that_it_names() {
        let page = r#"<link rel="icon" href="/assets/icon-1.svg"><link rel="stylesheet" href="/assets/style-2.css">
            <a href="/sales/1">assets</a><script type="module" src="/assets/buyer-3.js"></script>"#;
        assert_eq!(files_in(page), ["/assets/icon-1.svg", "/assets/style-2.css", "/assets/buyer-3.js"]);
    }

    #[test]
    fn a_page_without_free_seats_stays_open_but_for_a_look_at_the_other_hall() {
        let mut browser = Browser { hall: Some((0, None)), ..Browser::default() };
        let stays: Vec<_> = (0..2 * LOOKS_AT_A_HALL).map(|_| browser.keeps_watching()).collect();
        assert_eq!(stays.iter().filter(|stays| !**stays).count(), 2, "once in a while");
        assert!(!stays[0], "and at once the first time");
        browser.leave_hall();
        assert!(!(0..20).any(|_| browser.keeps_watching()));
    }
}
