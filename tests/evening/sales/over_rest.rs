//! Sales over REST, for operators and for buyers.

use concert_core::{Role, SaleChange, SaleId};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{concert_of, in_seconds, open_sale, sale};
use crate::http::{Site, reservation};
use crate::support::{Shortcuts as _, operator};

async fn operator_key(site: &Site) -> String {
    let made = site.house.office.back_office().make_key(&operator(), Role::Operator).await.expect("makes a key");
    made.secret.expose_secret().to_owned()
}

#[tokio::test]
async fn operators_make_and_change_sales_over_rest_and_buyers_see_them() {
    let site = Site::open().await;
    let key = operator_key(&site).await;
    let at = |seconds: i64| in_seconds(&site.house, seconds).expect("a moment").to_rfc3339();
    let body = json!({"name": "Friday", "doorsAt": at(60), "opensAt": at(120), "closesAt": null, "order": "arrival",
        "maxActive": 5, "perMinute": 30, "maxSeatsPerUser": 2});
    let add = || site.post("/api/v1/admin/sales", &body).bearer(&key).key("friday");
    let made = add().send().await.expect(201, "");
    let id: SaleId = made.body["saleId"].as_str().expect("an id").parse().expect("an id");
    assert_eq!(made.headers["location"], format!("/api/v1/sales/{id}"));
    assert_eq!(made.headers["etag"], "\"1\"");
    let shown = |field: &str| made.body[field].clone();
    assert_eq!([shown("maxActive"), shown("perMinute"), shown("maxSeatsPerUser")], [json!(5), json!(30), json!(2)]);
    let again = add().send().await.expect(201, "");
    assert_eq!(again.body["saleId"], made.body["saleId"], "a repeated request makes no second one");
    site.post("/api/v1/admin/sales", &json!({"name": "Friday"})).bearer(&key).send().await.expect(409, "SALE_EXISTS");
    for wrong in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x", "opensAt": "tomorrow"}),
        json!({"name": "x", "order": "size"}),
    ] {
        site.post("/api/v1/admin/sales", &wrong).bearer(&key).send().await.expect(400, "INVALID_REQUEST");
    }

    let look = site.get(&format!("/api/v1/sales/{id}")).send().await.expect(200, "");
    assert_eq!((look.body["phase"].as_str(), look.body["name"].as_str()), (Some("BEFORE"), Some("Friday")));
    assert_eq!(look.body["now"], "2027-03-01T12:00:00.000000Z");
    assert_eq!(look.body["doorsAt"], "2027-03-01T12:01:00.000000Z");
    assert_eq!(look.body["maxActive"], Value::Null, "how many are let in is the operators' matter");
    let all = site.get("/api/v1/sales").send().await;
    let names: Vec<_> = all.body.as_array().expect("a list").iter().map(|sale| sale["name"].clone()).collect();
    assert_eq!(names, ["Default", "Friday"]);
    site.get(&format!("/api/v1/sales/{}", SaleId::generate())).send().await.expect(404, "SALE_NOT_FOUND");
    site.get("/api/v1/sales/friday").send().await.expect(400, "INVALID_REQUEST");

    let path = format!("/api/v1/admin/sales/{id}");
    let change = |body: Value, tag: &str| site.patch(&path, &body).bearer(&key).header("if-match", tag);
    let stale = change(json!({"name": "Saturday"}), "\"7\"").send().await.expect(412, "VERSION_CHANGED");
    assert_eq!(stale.body["version"], 1);
    let moved = change(json!({"doorsAt": at(0), "perMinute": null}), "\"1\"").send().await.expect(200, "");
    assert_eq!((moved.body["phase"].as_str(), &moved.body["perMinute"]), (Some("DOORS"), &Value::Null));
    assert_eq!(moved.headers["etag"], "\"2\"");
    site.patch(&path, &json!({"paused": true})).bearer(&key).send().await.expect(200, "");
    change(json!({"doorsAt": at(9), "opensAt": at(8)}), "*").send().await.expect(400, "INVALID_REQUEST");
    change(json!({"name": "x"}), "friday").send().await.expect(400, "INVALID_REQUEST");
    let seen = site.get(&path).bearer(&key).send().await;
    assert_eq!((seen.body["paused"].as_bool(), seen.body["version"].as_u64()), (Some(true), Some(3)));
}

#[tokio::test]
async fn token_answers_say_the_sale_its_phase_and_the_time() {
    let site = Site::open().await;
    let times =
        SaleChange::new().with_doors_at(in_seconds(&site.house, 60)).with_opens_at(in_seconds(&site.house, 120));
    let sale = sale(&site.house.office, "Friday", times).await;
    let concert = concert_of(&site.house, sale, 5).await;
    let (anna, session) = site.logged_in("anna").await;
    let join = || site.post("/api/v1/tokens", &json!({"userId": anna, "saleId": sale})).bearer(&session);
    let early = join().send().await.expect(409, "SALE_NOT_OPEN");
    let said =
        ["doorsAt", "opensAt", "now"].map(|field| early.body[field].as_str().unwrap_or_default()[11..19].to_owned());
    assert_eq!(said, ["12:01:00", "12:02:00", "12:00:00"]);
    site.house.advance(60);
    let joined = join().send().await.expect(201, "");
    let fields = ["status", "phase", "now", "opensAt", "saleId"]
        .map(|field| joined.body[field].as_str().expect("text").to_owned());
    assert_eq!(
        fields,
        ["WAITING", "DOORS", "2027-03-01T12:01:00.000000Z", "2027-03-01T12:02:00.000000Z", &sale.to_string()]
    );
    let token = joined.body["token"].as_str().expect("a token");

    // The queue token says which sale; a session has to.
    let mine = format!("/api/v1/tokens/{anna}");
    let in_sale = format!("{mine}?saleId={sale}");
    site.get(&mine).bearer(&session).send().await.expect(404, "TOKEN_NOT_FOUND");
    let look = site.get(&in_sale).bearer(&session).send().await;
    assert_eq!((look.status, look.body["phase"].as_str()), (reqwest::StatusCode::OK, Some("DOORS")));
    site.get(&format!("{mine}?saleId={}", SaleId::generate()))
        .bearer(&session)
        .send()
        .await
        .expect(404, "SALE_NOT_FOUND");
    site.get(&format!("{mine}?saleId=friday")).bearer(&session).send().await.expect(400, "INVALID_REQUEST");
    site.house.advance(60);
    site.house.office.rerank_queue().await.expect("reranks");
    let look = site.get(&mine).bearer(token).send().await;
    assert_eq!([&look.body["status"], &look.body["phase"]], ["ACTIVE", "OPEN"]);
    site.post("/api/v1/reservations", &reservation(concert, 1, anna)).bearer(token).send().await.expect(201, "");
    let other = site.house.concert(2).await;
    site.post("/api/v1/reservations", &reservation(other, 1, anna))
        .bearer(token)
        .send()
        .await
        .expect(403, "TOKEN_NOT_ACTIVE");
    site.ask(Method::DELETE, &mine).bearer(token).send().await.expect(204, "");
    site.get(&in_sale).bearer(&session).send().await.expect(410, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn what_is_over_is_in_no_list_of_sales_and_operators_still_see_it() {
    let site = Site::open().await;
    let (house, key) = (&site.house, operator_key(&site).await);
    let (past, both) = (open_sale(house, "Past").await, open_sale(house, "Both").await);
    open_sale(house, "Empty").await;
    let [gone, also_gone, to_come] =
        [concert_of(house, past, 2).await, concert_of(house, both, 2).await, concert_of(house, both, 2).await];
    for concert in [gone, also_gone] {
        let yesterday = sqlx::query("update concerts set date = '2027-02-28' where id = ?").bind(concert);
        yesterday.execute(house.office.pool()).await.expect("moves it");
    }
    let all = site.get("/api/v1/sales").send().await.expect(200, "").body;
    let listed: Vec<_> = all.as_array().expect("a list").iter().map(|sale| sale["name"].clone()).collect();
    assert_eq!(listed, ["Default", "Both", "Empty"]);
    assert_eq!(all[1]["concerts"].as_array().expect("a list").len(), 1);
    assert_eq!(all[1]["concerts"][0]["concertId"], json!(to_come));
    // It is still there for whoever asks for it, as to check its draw.
    let shown = site.get(&format!("/api/v1/sales/{past}")).send().await.expect(200, "").body;
    assert_eq!(shown["concerts"], json!([]));
    let all = site.get("/api/v1/admin/sales").bearer(&key).send().await.expect(200, "").body;
    let counts: Vec<_> =
        all.as_array().expect("a list").iter().map(|sale| sale["concerts"].as_array().map(Vec::len)).collect();
    assert_eq!(counts, [Some(0), Some(1), Some(2), Some(0)]);
}
