//! Anything that a stranger can send: a 4xx that says what is wrong, and no row changes.

use concert_core::ReservationId;
use reqwest::Method;
use serde_json::json;

use super::{Site, reservation};
use crate::support::{Shortcuts as _, seat};

/// What the tables hold, to compare.
pub(super) async fn rows(site: &Site) -> Vec<String> {
    let statement = "select concat_ws(' ', 'user', hex(id), balance) from users \
         union all select concat_ws(' ', 'seat', seat_number, is_reserved, hex(reservation_id)) from seats \
         union all select concat_ws(' ', 'reservation', hex(id), status) from reservations \
         union all select concat_ws(' ', 'entry', hex(id), amount) from wallet_entries \
         union all select concat_ws(' ', 'payment', hex(id)) from payments \
         union all select concat_ws(' ', 'token', hex(id), status) from tokens order by 1";
    sqlx::query_scalar(statement).fetch_all(site.house.office.pool()).await.expect("reads")
}

#[tokio::test]
async fn bodies_that_are_not_what_a_route_takes() {
    let site = Site::open().await;
    let concert = site.house.concert(3).await;
    let (user, token) = site.active_user(500).await;
    let held = site.house.office.hold_one(user, concert, seat(1)).await.expect("holds").id;
    let before = rows(&site).await;

    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let anywhere = [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "\"text\"",
        "7",
        "{",
        "{\"userId\":}",
        "nonsense",
        "{\"userId\":\"x\"} trailing",
        &deep,
        r#"{"userId":7}"#,
        r#"{"userId":null}"#,
        r#"{"userId":[]}"#,
        r#"{"userId":{"a":1}}"#,
        r#"{"userId":"\u0000"}"#,
        r#"{"userId":"00000000-0000-0000-0000-00000000000"}"#,
        r#"{"userId":"{00000000-0000-0000-0000-000000000000}"}"#,
        r#"{"unknown":1}"#,
        "\u{feff}{}",
    ];
    let paths = [
        "/api/v1/users",
        "/api/v1/users/login",
        "/api/v1/tokens",
        "/api/v1/queue",
        "/api/v1/reservations",
        "/api/v1/payments/recharge",
        "/api/v1/payments/process",
    ];
    for path in paths {
        for body in anywhere {
            let answer = site.post_text(path, body).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
            assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{}", answer.text);
        }
        let not_utf8 = site.ask(Method::POST, path).bearer(&token);
        let not_utf8 = super::Ask { request: not_utf8.request.body(b"{\"userId\":\"\xff\xfe\"}".to_vec()), ..not_utf8 };
        not_utf8.send().await.expect(400, "INVALID_REQUEST");
        let huge = format!(r#"{{"userId":"{}"}}"#, "x".repeat(1 << 20));
        site.post_text(path, &huge).bearer(&token).send().await.expect(413, "PAYLOAD_TOO_LARGE");
        let form =
            site.ask(Method::POST, path).bearer(&token).header("content-type", "application/x-www-form-urlencoded");
        let form = super::Ask { request: form.request.body("userId=7"), ..form };
        form.send().await.expect(415, "UNSUPPORTED_MEDIA_TYPE");
    }

    let extra = json!({"userId": user, "amount": 1, "currency": "KRW"});
    site.post("/api/v1/payments/recharge", &extra).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    for amount in [
        "-1",
        "-0.01",
        "0",
        "0.0",
        "0.001",
        "1.234",
        "1e3000",
        "1e-3",
        "100000000",
        "99999999.999",
        "\"100\"",
        "true",
        "null",
        "[1]",
        "{}",
        "NaN",
        "Infinity",
        "0x10",
        "1_000",
        "01",
        "100.10000000000000000001",
        "99999999999999999999999999999999",
    ] {
        let recharge = format!(r#"{{"userId":"{user}","amount":{amount}}}"#);
        site.post_text("/api/v1/payments/recharge", &recharge)
            .bearer(&token)
            .send()
            .await
            .expect(400, "INVALID_REQUEST");
        let pay = format!(r#"{{"userId":"{user}","reservationId":"{held}","amount":{amount}}}"#);
        let answer = site.post_text("/api/v1/payments/process", &pay).bearer(&token).send().await;
        assert_eq!(answer.status, 400, "{amount}: {}", answer.text);
    }
    for number in
        ["0", "-1", "2147483648", "4294967297", "1e300", "1.5", "\"1\"", "null", "true", "99999999999999999999"]
    {
        let body = format!(r#"{{"concertId":"{concert}","seatNumber":{number},"userId":"{user}"}}"#);
        site.post_text("/api/v1/reservations", &body).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    }
    // Exactly one way to say which seats, and each in its form.
    for seats in [
        "",
        r#","seatNumber":1,"seatNumbers":[2]"#,
        r#","seatNumbers":[2],"bestAvailable":{"count":1}"#,
        r#","seatNumber":2,"bestAvailable":{"count":1}"#,
        r#","seatNumbers":[]"#,
        r#","seatNumbers":[2,2]"#,
        r#","seatNumbers":[2,0]"#,
        r#","seatNumbers":[2,2147483648]"#,
        r#","seatNumbers":[2,null]"#,
        r#","seatNumbers":["2"]"#,
        r#","seatNumbers":[[2]]"#,
        r#","seatNumbers":2"#,
        r#","seatNumbers":null"#,
        r#","seatNumbers":{"0":2}"#,
        r#","bestAvailable":null"#,
        r#","bestAvailable":2"#,
        r#","bestAvailable":[2]"#,
        r#","bestAvailable":{}"#,
        r#","bestAvailable":{"count":0}"#,
        r#","bestAvailable":{"count":-1}"#,
        r#","bestAvailable":{"count":1.5}"#,
        r#","bestAvailable":{"count":"2"}"#,
        r#","bestAvailable":{"count":257}"#,
        r#","bestAvailable":{"count":99999999999999999999}"#,
        r#","bestAvailable":{"count":1,"section":null}"#,
        r#","bestAvailable":{"count":1,"section":7}"#,
        r#","bestAvailable":{"count":1,"row":"1"}"#,
    ] {
        let body = format!(r#"{{"concertId":"{concert}","userId":"{user}"{seats}}}"#);
        site.post_text("/api/v1/reservations", &body).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    }
    let thousands = (2..2_500).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"concertId":"{concert}","userId":"{user}","seatNumbers":[{thousands}]}}"#);
    site.post_text("/api/v1/reservations", &body).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    for what in [
        String::new(),
        format!(r#","reservationId":"{held}","orderId":"{held}""#),
        r#","orderId":null"#.to_owned(),
        r#","orderId":"mine""#.to_owned(),
        format!(r#","orderId":["{held}"]"#),
    ] {
        let body = format!(r#"{{"amount":100,"userId":"{user}"{what}}}"#);
        site.post_text("/api/v1/payments/process", &body).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    }
    let largest = reservation(concert, i64::from(i32::MAX), user);
    site.post("/api/v1/reservations", &largest).bearer(&token).send().await.expect(404, "SEAT_NOT_FOUND");
    assert_eq!(rows(&site).await, before);
    site.house.assert_sound().await;
}

#[tokio::test]
async fn paths_and_queries_that_name_nothing() {
    let site = Site::open().await;
    let (user, token) = site.active_user(0).await;
    let list = |query: &str| site.get(&format!("/api/v1/reservations{query}")).bearer(&token);
    for query in ["", "?", "?userId", "?userId=", "?userId=7", "?user=7", "?userId=%ff"] {
        list(query).send().await.expect(400, "INVALID_REQUEST");
    }
    list(&format!("?userId={user}&userId={user}")).send().await.expect(400, "INVALID_REQUEST");
    list(&format!("?userId={user}&page=1")).send().await.expect(400, "INVALID_REQUEST");
    for id in ["%00", "..%2f..", "%ff", "'; drop table users; --", "x".repeat(3_000).as_str()] {
        site.get(&format!("/api/v1/tokens/{id}")).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
        site.get(&format!("/api/v1/reservations/{id}/seats")).send().await.expect(400, "INVALID_REQUEST");
        site.delete(&format!("/api/v1/reservations/{id}")).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
        let extend = format!("/api/v1/reservations/{id}/extend");
        site.ask(Method::POST, &extend).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
        site.get(&format!("/api/v1/payments/{id}")).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
        site.get(&format!("/api/v1/payments/entries/{id}")).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    }
    for query in ["limit=-1", "limit=1e1", "limit=", "limit=1&limit=2", "startingAfter=", "offset=1"] {
        for list in [format!("?userId={user}&"), format!("/entries/{user}?")] {
            let ask = site.get(&format!("/api/v1/payments{list}{query}")).bearer(&token);
            ask.send().await.expect(400, "INVALID_REQUEST");
        }
    }
    let none = ReservationId::generate();
    for query in ["?order", "?order=", "?order=yes", "?order=true&order=true", "?all=true"] {
        let path = format!("/api/v1/reservations/{none}{query}");
        site.delete(&path).bearer(&token).send().await.expect(400, "INVALID_REQUEST");
    }
    for path in ["/api/v1/tokens/a/b", "/api/v1/", "/API/V1/tokens", "/api/v1/reservations/dates/x"] {
        site.get(path).bearer(&token).send().await.expect(404, "ROUTE_NOT_FOUND");
    }
    site.ask(Method::POST, "/api/v1/reservations/dates").send().await.expect(405, "METHOD_NOT_ALLOWED");
    site.delete("/api/v1/payments/process").bearer(&token).send().await.expect(405, "METHOD_NOT_ALLOWED");
}
