//! What every page has: headers, size, languages; and that there are none where they are off.

use std::io::Read as _;

use concert_server::{App, Limits, page_routes};
use flate2::read::GzDecoder;
use reqwest::Method;

use super::{SALE, Stage};
use crate::http::Site;
use crate::support::House;

/// The most bytes of the first view, compressed: the page and all that it loads.
const MOST_BYTES: usize = 40 * 1024;

#[tokio::test]
async fn every_page_has_the_policy_and_no_script_of_its_own() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("anna").await;
    for route in page_routes() {
        let path = route.template.replace("{saleId}", &SALE[7..]).replace("{concertId}", &stage.concert.to_string());
        let path = path.replace("{orderId}", "no-id").replace("{ticketId}", "no-id").replace("{file}", "nothing.css");
        let page = browser
            .once(&path, browser.request(Method::from_bytes(route.method.as_bytes()).expect("a method"), &path))
            .await;
        let header = |name: &str| page.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default();
        if path.ends_with("/renew") {
            continue;
        }
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{route:?}: {policy}");
        for part in ["script-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{route:?}: {policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff", "{route:?}");
        assert!(!header("referrer-policy").is_empty() && !header("permissions-policy").is_empty(), "{route:?}");
        assert_eq!(header("cache-control"), "no-store", "{route:?}");
        let scripts =
            page.text.split("<script").skip(1).filter(|script| !script.starts_with(" type=\"application/json\""));
        for script in scripts {
            assert!(script.split('>').next().is_some_and(|tag| tag.contains("src=\"/assets/")), "{route:?}: {script}");
        }
        assert!(!page.text.contains(" style=") && !page.text.contains(" onclick="), "{route:?}");
    }
}

#[tokio::test]
async fn the_first_view_is_small_and_its_files_are_kept_for_good() {
    let stage = Stage::open().await;
    let browser = stage.browser();
    for path in ["/", SALE, &format!("/concerts/{}", stage.concert)] {
        let fetch = async |path: &str| {
            let request = browser.request(Method::GET, path).header("accept-encoding", "gzip");
            let response = request.send().await.expect("is answered");
            assert_eq!(response.status(), 200, "{path}");
            (response.headers().clone(), response.bytes().await.expect("a body"))
        };
        let (headers, body) = fetch(path).await;
        assert_eq!(headers["content-encoding"], "gzip", "{path}");
        let (mut sum, mut text) = (body.len(), String::new());
        GzDecoder::new(&body[..]).read_to_string(&mut text).expect("text");
        let files: Vec<_> = text.split("\"/assets/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(files.len() >= 2, "{path}: {files:?}");
        for file in files {
            let (headers, body) = fetch(&format!("/assets/{file}")).await;
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable", "{file}");
            sum += body.len();
        }
        println!("{path}: {sum} bytes");
        assert!(sum <= MOST_BYTES, "{path}: {sum} bytes");
    }
}

#[tokio::test]
async fn the_language_is_the_browsers_until_somebody_switches() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    browser.language = "ko-KR,ko;q=0.9,en;q=0.8";
    browser.get("/").await.expect(200).shows("<html lang=\"ko\">").shows("href=\"/?lang=en\"");
    browser.get("/?lang=en").await.expect(200).shows("<html lang=\"en\">");
    browser.get("/log-in").await.expect(200).shows("<html lang=\"en\">").shows("/log-in?lang=ko");
    browser.get("/nothing").await.expect(404).shows("There is no page at this address");
    browser.get("/log-in?lang=ko").await.expect(200).shows("비밀번호");
    browser.get("/nothing").await.expect(404).shows("이 주소에는 화면이 없습니다");
}

#[tokio::test]
async fn pages_that_are_off_are_not_there() {
    let house = House::open().await;
    let app = App::new(house.office.clone()).with_pages(false);
    let site = Site::serve_app(house, app, Limits::default()).await;
    for route in page_routes() {
        let method = Method::from_bytes(route.method.as_bytes()).expect("a method");
        site.ask(method, route.template).header("accept", "text/html").send().await.expect(404, "ROUTE_NOT_FOUND");
    }
    site.get("/api/v1/sales").send().await.expect(200, "");
}

#[tokio::test]
async fn the_operators_page_shows_nothing_without_a_key_and_loads_its_script_and_style() {
    let stage = Stage::open().await;
    let mut browser = stage.browser();
    for (language, title) in [("en", "Log in with an operator key"), ("ko", "운영자 키로 로그인")] {
        let page = browser.get(&format!("/admin?lang={language}")).await.expect(200).shows(title).text;
        assert!(page.contains("id=\"log-in\" hidden") && page.contains("id=\"desk\" hidden"), "{page}");
        for (part, ending) in [("<script type=\"module\"", ".js"), ("rel=\"stylesheet\" href=\"/assets/admin", ".css")]
        {
            assert!(page.contains(part) && page.contains(ending), "{part}: {page}");
        }
        // Its words have places for values, which its script fills in.
        assert!(page.contains("data-word=\"as-of\"") && page.contains("{time}"), "{page}");
    }
}

#[tokio::test]
async fn what_is_no_id_or_nobodys_thing_is_a_page_for_people() {
    let stage = Stage::open().await;
    let mut browser = stage.logged_in("anna").await;
    for path in ["/orders/abc", "/concerts/abc", "/sales/abc", "/tickets/abc"] {
        browser.get(path).await.expect(404).shows("There is no page at this address");
    }
    let nobodys = "0190a5b2-0000-7000-8000-000000000000";
    for path in ["/orders", "/concerts", "/sales", "/tickets"] {
        browser.get(&format!("{path}/{nobodys}")).await.expect(404).shows("is not here, or not any more");
    }
    browser.get("/orders/abc?lang=ko").await.expect(404).shows("이 주소에는 화면이 없습니다");
}
