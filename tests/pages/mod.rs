//! The pages, as a browser without scripts uses them: links, forms, cookies, redirects.

mod buying;
mod forms;
mod frame;
mod orders;
mod plan;
mod plan_readings;
mod sessions;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use concert_core::{ConcertId, NewConcert, Policy};
use concert_server::{App, Limits};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};

use crate::http::Site;
use crate::support::{House, Shortcuts as _, section};

/// A server whose pages show the catalogue as it is at each request, with a concert in a hall of two sections.
pub struct Stage {
    pub site: Site,
    pub concert: ConcertId,
}

impl Stage {
    pub async fn open() -> Self {
        Self::open_with(|policy| policy).await
    }

    pub async fn open_with(change: impl FnOnce(Policy) -> Policy) -> Self {
        let house = House::open_with(change).await;
        let (id, date) = (ConcertId::generate(), "2027-04-01".parse().expect("a date"));
        let sections = vec![section("Floor", 3, 8, 120), section("Balcony", 2, 10, 60)];
        let new = NewConcert::new("Spring Night", date, sections).with_id(id);
        house.office.back_office().add_concert(&new).await.expect("adds a concert");
        let app = App::new(house.office.clone()).with_seats_max_age(Duration::ZERO);
        Self { site: Site::serve_app(house, app, Limits::default()).await, concert: id }
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser::new(&self.site)
    }

    /// A browser whose user has signed up, and so is logged in.
    pub async fn logged_in(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        browser.get("/sign-up").await.expect(200);
        let page = browser.send("/sign-up", &[("username", name), ("password", "correct horse")]).await;
        assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/"), "{}", page.text);
        browser
    }

    /// The same, with a turn in the default sale and money.
    pub async fn in_turn(&self, name: &str, money: &str) -> Browser<'_> {
        let mut browser = self.logged_in(name).await;
        browser.get("/wallet").await.expect(200);
        browser.send("/wallet/recharge", &[("amount", money)]).await.expect(200);
        browser.get(SALE).await.expect(200);
        let page = browser.send(&format!("{SALE}/join"), &[]).await.expect(200);
        assert!(page.text.contains("It is your turn"), "{}", page.text);
        browser
    }
}

/// The default sale's page.
pub const SALE: &str = "/sales/00000000-0000-7000-8000-000000000001";

/// A browser without scripts: it keeps cookies, follows redirects, and sends the forms of the page that it shows.
pub struct Browser<'a> {
    site: &'a Site,
    client: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
    pub language: &'static str,
    pub page: Page,
}

/// What a browser shows.
#[derive(Clone, Default)]
pub struct Page {
    pub path: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}\n{}", self.path, self.text);
        self
    }

    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.text.contains(text), "{} has no {text:?}:\n{}", self.path, self.text);
        self
    }

    /// The hidden fields of the form that is sent to `action`, or of the first of them.
    pub fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let start = self.text.find(&format!("action=\"{action}\""));
        let form = start.map(|start| &self.text[start..]).unwrap_or_default();
        let form = form.split("</form>").next().unwrap_or_default();
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1);
        let value = |field: &str| {
            let (name, rest) = field.split_once("\" value=\"").expect("a value");
            (name.to_owned(), rest.split('"').next().unwrap_or_default().to_owned())
        };
        hidden.map(value).collect()
    }
}

impl<'a> Browser<'a> {
    pub fn new(site: &'a Site) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { site, client, cookies: BTreeMap::new(), language: "en", page: Page::default() }
    }

    /// Another tab of the same browser.
    pub fn tab(&self) -> Self {
        let (cookies, client) = (self.cookies.clone(), self.client.clone());
        Self { site: self.site, client, cookies, language: self.language, page: self.page.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.site.url));
        let request = request.header("accept", "text/html").header("accept-language", self.language);
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    /// Sends one request and keeps its cookies; follows nothing.
    pub async fn once(&mut self, path: &str, request: RequestBuilder) -> Page {
        let response = request.send().await.expect("is answered");
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a pair");
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
        let text = response.text().await.expect("text");
        Page { path: path.to_owned(), status, headers, text }
    }

    async fn follow(&mut self, mut page: Page) -> Page {
        while page.status == StatusCode::SEE_OTHER {
            let to = page.headers["location"].to_str().expect("text").to_owned();
            page = self.once(&to, self.request(Method::GET, &to)).await;
        }
        self.page = page.clone();
        page
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let page = self.once(path, self.request(Method::GET, path)).await;
        self.follow(page).await
    }

    /// Sends the form of the page that is shown: its hidden fields and these.
    pub async fn send(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.send_once(action, fields).await;
        self.follow(page).await
    }

    pub async fn send_once(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let hidden = self.page.hidden(action);
        assert!(!hidden.is_empty(), "{} has no form to {action}:\n{}", self.page.path, self.page.text);
        let all = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fields.iter().copied());
        let request = self.request(Method::POST, action).header("content-type", "application/x-www-form-urlencoded");
        self.once(action, request.body(encoded(all))).await
    }
}

/// As browsers encode the fields of a form.
pub fn encoded<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let encode = |part: &str| {
        part.bytes().fold(String::new(), |mut text, byte| {
            if byte.is_ascii_alphanumeric() {
                text.push(byte.into());
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
            text
        })
    };
    let pairs = fields.into_iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}
