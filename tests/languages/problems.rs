//! Problems by `Accept-Language`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use concert_core::Currency;
use serde_json::{Value, json};

use crate::http::{Answer, Site, reservation};
use crate::imports::source_files;
use crate::support::PRICE;

/// What a problem says, and in which language its headers say it does.
fn told(answer: &Answer) -> (&str, &str, &str) {
    let text = |name| answer.body[name].as_str().expect("text");
    (text("title"), text("detail"), answer.headers["content-language"].to_str().expect("text"))
}

/// The members of a problem that no language changes.
fn unchanged(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    for name in ["title", "detail"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    body
}

#[tokio::test]
async fn a_problem_is_told_in_the_language_that_the_client_prefers_and_its_code_and_members_stay() {
    let site = Site::open_with(|policy| policy.with_currency("KRW".parse::<Currency>().ok())).await;
    let concert = site.house.concert(2).await;
    let (user, token) = site.active_user(0).await;
    let body = reservation(concert, 1, user);
    let hold = || site.post("/api/v1/reservations", &body).bearer(&token);
    let held = hold().send().await.expect(201, "").body["reservationId"].as_str().expect("an id").to_owned();

    let english = hold().send().await.expect(409, "SEAT_ALREADY_RESERVED");
    let korean = hold().header("accept-language", "ko-KR,ko;q=0.9,en;q=0.8").send().await;
    let korean = korean.expect(409, "SEAT_ALREADY_RESERVED");
    let other = hold().header("accept-language", "fr, de;q=0.5").send().await.expect(409, "SEAT_ALREADY_RESERVED");
    let sentence = format!("seat 1 is already reserved; you hold seat 1 by reservation {held} yourself");
    assert_eq!(told(&english), ("Conflict", sentence.as_str(), "en"));
    assert_eq!(other.text, english.text);
    let sentence = format!("1번 좌석은 이미 예약되었습니다. 그중 1번 좌석(예약 {held})은 직접 선점한 좌석입니다.");
    assert_eq!(told(&korean), ("현재 상태와 맞지 않음", sentence.as_str(), "ko"));
    assert_eq!(unchanged(&korean), unchanged(&english));
    for answer in [&english, &korean, &other] {
        let varies: Vec<_> = answer.headers.get_all("vary").iter().filter_map(|vary| vary.to_str().ok()).collect();
        assert!(varies.contains(&"accept-language"), "{varies:?}");
    }

    let payment = json!({"reservationId": held, "amount": PRICE, "userId": user});
    let poor = site.post("/api/v1/payments/process", &payment).bearer(&token).header("accept-language", "ko");
    let poor = poor.send().await.expect(409, "INSUFFICIENT_BALANCE");
    assert!(told(&poor).1.ends_with("잔액: 0원, 가격: 100원."), "{}", poor.text);
}

#[tokio::test]
async fn what_the_server_itself_refuses_speaks_korean_too() {
    let site = Site::open().await;
    let ask = |path: &str| site.get(path).header("accept-language", "ko");
    for (path, status, code, detail) in [
        ("/api/v1/nowhere", 404, "ROUTE_NOT_FOUND", "이 경로에는 아무것도 없습니다. /docs를 참고해 주십시오."),
        ("/api/v1/users", 405, "METHOD_NOT_ALLOWED", "이 경로에서 쓸 수 있는 메서드: POST"),
        (
            "/api/v1/reservations/7/seats",
            400,
            "INVALID_REQUEST",
            "공연 id: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx 형식의 UUID가 아닙니다.",
        ),
        ("/api/v1/tickets", 401, "UNAUTHENTICATED", "액세스 토큰을 보내 주십시오. Authorization: Bearer <token>"),
    ] {
        let answer = ask(path).send().await.expect(status, code);
        assert_eq!((told(&answer).1, told(&answer).2), (detail, "ko"), "{path}");
    }
    let garbled = ask("/api/v1/tickets").bearer("x").send().await.expect(401, "UNAUTHENTICATED");
    assert_eq!(told(&garbled).1, "액세스 토큰이 올바르지 않습니다.");
    let challenge = garbled.headers["www-authenticate"].to_str().expect("ASCII");
    assert!(challenge.contains("the access token is not valid"), "a header is for programs: {challenge}");
    let body = site.post_text("/api/v1/users", "[]").header("accept-language", "ko").send().await;
    assert_eq!(told(&body.expect(400, "INVALID_REQUEST")).1, "요청 본문이 JSON 객체가 아닙니다.");
}

/// The literal that a call of one of these begins with, with `{}` for what is put in.
fn literals(source: &str) -> BTreeSet<String> {
    let calls = ["Error::invalid(", "InvalidInput::new(", "Problem::invalid(", "Error::Unauthenticated("];
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let starts = calls.iter().flat_map(|call| source.match_indices(call).map(|(at, call)| at + call.len()));
    let literal = |at: usize| {
        let argument = source[at..].trim_start();
        let argument = argument.strip_prefix("format!(").unwrap_or(argument).trim_start();
        let text = argument.strip_prefix('"')?;
        let end = text.match_indices('"').map(|(at, _)| at).find(|at| !text[..*at].ends_with('\\'))?;
        Some(pattern(&text[..end].replace("\\\"", "\"")))
    };
    starts.filter_map(literal).collect()
}

/// With `{}` for each variable, and lines joined as Rust does.
fn pattern(text: &str) -> String {
    let joined: Vec<_> =
        text.split("\\\n").enumerate().map(|(nth, line)| if nth == 0 { line } else { line.trim_start() }).collect();
    let mut out = String::new();
    for (nth, part) in joined.concat().split(['{', '}']).enumerate() {
        out.push_str(if nth % 2 == 0 { part } else { "{}" });
    }
    out
}

#[test]
fn every_sentence_about_invalid_input_has_a_korean_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // What is wrong with a database URL is told in English: its parts are.
    let left_in_english = ["/db/url.rs"];
    let mut missing = Vec::new();
    let texts = ["concert-core/texts/en.ftl", "concert-server/pages/texts/en.ftl"];
    let texts: String = texts.iter().map(|path| fs::read_to_string(root.join(path)).expect("is there")).collect();
    let known: BTreeSet<_> = texts
        .lines()
        .filter_map(|line| line.strip_prefix("said-")?.split_once(" = "))
        .map(|(_, text)| pattern(text))
        .collect();
    for krate in ["concert-core", "concert-server"] {
        for file in source_files(&root.join(krate).join("src")) {
            let name = file.to_string_lossy().into_owned();
            if left_in_english.iter().any(|end| name.ends_with(end)) || name.contains("test") || name.contains("/model")
            {
                continue;
            }
            let source = fs::read_to_string(&file).expect("a file");
            missing.extend(
                literals(&source)
                    .into_iter()
                    .filter(|text| !known.contains(text))
                    .map(|text| format!("{name}: {text}")),
            );
        }
    }
    assert!(missing.is_empty(), "give each a text said-.. in both catalogues:\n{}", missing.join("\n"));
    assert!(literals("Error::invalid(format!(\n \"a {x} \\\n  b\"))").contains("a {} b"));
}
