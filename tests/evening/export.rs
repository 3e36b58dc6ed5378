//! Lists for the accountants and the doors, what a buyer has, and what operators look at.

use concert_core::rust_decimal::Decimal;
use concert_core::{
    ConcertId, Error, Export, Exported, ExportedAttendee, ExportedEntry, ExportedPayment, ExportedSeat, Page, Role,
    SeatNumber, SeatStatus, SignUp, UserId, Wanted,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::http::{Answer, Site, reservation};
use crate::support::{House, PRICE, Shortcuts as _, money, seat, section};

/// Three payments, one of them refunded, a hold, and a seat that is not on sale, in a hall of 2 500 seats: three pages.
struct Sold {
    site: Site,
    concert: ConcertId,
    buyer: UserId,
    token: String,
    key: String,
}

impl Sold {
    async fn open() -> Self {
        let site = Site::open().await;
        let date = chrono::NaiveDate::from_ymd_opt(2027, 4, 1).expect("a date");
        let concert = site.house.concert_in(date, vec![section("=1+1", 25, 100, PRICE)]).await;
        let office = &site.house.office;
        let buyer = office.sign_up(SignUp::new("@SUM(A1)".parse().expect("a name"))).await.expect("signs up").id;
        office.back_office().recharge(buyer, money(1_000), "INV-7".parse().expect("fits")).await.expect("recharges");
        let token = site.join(buyer).await;
        for number in [7, 1_400, 2_500] {
            let held = office.hold_one(buyer, concert, seat(number)).await.expect("holds");
            office.pay(buyer, held.id, money(PRICE)).await.expect("pays");
        }
        let payments = office.payments_of(buyer, Page::default()).await.expect("reads").data;
        let refunded = payments.iter().find(|payment| payment.seat == seat(1_400)).expect("is there").id;
        let reason = Some("-2+3 \"as asked\", by post".parse().expect("fits"));
        office.back_office().refund(refunded, reason).await.expect("refunds");
        office.hold_one(buyer, concert, seat(9)).await.expect("holds");
        let key =
            office.back_office().make_key(&"ann".parse().expect("a name"), Role::Viewer).await.expect("makes one");
        let key = key.secret.expose_secret().to_owned();
        Self { site, concert, buyer, token, key }
    }

    async fn export<R: Exported>(&self, concert: Option<ConcertId>) -> Export<R> {
        self.site.house.office.back_office().export(concert).await.expect("begins")
    }

    async fn get(&self, path: &str) -> Answer {
        self.site.get(path).bearer(&self.key).send().await
    }
}

/// All rows; the export itself checks that they add up.
async fn all<R: Exported + Clone>(mut export: Export<R>) -> Vec<R> {
    let (mut rows, mut pages) = (Vec::new(), 0);
    while let Some(page) = export.next_page().await.expect("goes on") {
        assert!(page.len() <= 1_000, "a page is small");
        rows.extend_from_slice(page);
        pages += 1;
    }
    assert_eq!(export.so_far(), export.expected());
    assert_eq!(export.so_far().rows, rows.len() as u64, "{pages} pages");
    rows
}

#[tokio::test]
async fn an_export_has_every_row_once_and_adds_up_to_what_the_audit_and_the_figures_say() {
    let sold = Sold::open().await;
    let house = &sold.site.house;
    house.assert_sound().await;
    let figures = house.office.back_office().figures().await.expect("reads");
    for concert in [Some(sold.concert), None] {
        let payments = sold.export::<ExportedPayment>(concert).await;
        assert_eq!(payments.expected().kept(), figures.revenue);
        let payments = all(payments).await;
        assert_eq!(payments.iter().map(|one| one.place.seat.get()).collect::<Vec<_>>(), [7, 1_400, 2_500]);
        assert!(payments[1].refunded_at.is_some() && payments[1].refunded_by.as_deref() == Some("ann@box-office"));

        let seats = all(sold.export::<ExportedSeat>(concert).await).await;
        let count = |status| seats.iter().filter(|seat| seat.status == status).count();
        assert_eq!([SeatStatus::Free, SeatStatus::Held, SeatStatus::Sold].map(count), [2_497, 1, 2]);

        let attendees = all(sold.export::<ExportedAttendee>(concert).await).await;
        assert_eq!(attendees.iter().map(|one| one.place.seat.get()).collect::<Vec<_>>(), [7, 2_500]);
        assert!(attendees.iter().all(|one| one.username.as_deref() == Some("@SUM(A1)") && one.paid_at.is_some()));
    }
    let of_house = all(sold.export::<ExportedEntry>(None).await).await;
    let sum: Decimal = of_house.iter().map(|entry| entry.amount.as_decimal()).sum();
    assert_eq!((of_house.len(), sum), (5, house.office.balance(sold.buyer).await.expect("reads").as_decimal()));
    let of_concert = all(sold.export::<ExportedEntry>(Some(sold.concert)).await).await;
    assert_eq!(
        of_concert.iter().map(|one| one.seat.map(SeatNumber::get)).collect::<Vec<_>>(),
        [7, 1_400, 1_400, 2_500].map(Some)
    );
    assert_eq!(of_concert.iter().map(|one| one.amount.as_decimal()).sum::<Decimal>(), -figures.revenue);
}

#[tokio::test]
async fn an_export_shows_one_moment_whatever_is_sold_meanwhile_and_says_when_rows_do_not_add_up() {
    let sold = Sold::open().await;
    let office = &sold.site.house.office;
    let export = sold.export::<ExportedAttendee>(None).await;
    let held = office.hold_one(sold.buyer, sold.concert, seat(20)).await.expect("holds");
    office.pay(sold.buyer, held.id, money(PRICE)).await.expect("pays");
    assert_eq!(all(export).await.len(), 2);
    assert_eq!(all(sold.export::<ExportedAttendee>(None).await).await.len(), 3);

    sold.site.house.tamper("update users set balance = balance + 1").await;
    let mut entries = sold.export::<ExportedEntry>(None).await;
    assert!(entries.next_page().await.expect("reads").is_some());
    assert!(
        matches!(entries.next_page().await, Err(Error::Internal(_))),
        "the balances are not the sum of the entries"
    );
}

#[tokio::test]
async fn only_so_many_exports_are_made_at_once_and_one_that_is_dropped_makes_room() {
    let house = House::open().await;
    let begin = async || house.office.back_office().export::<ExportedSeat>(None).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(begin().await.expect("begins"));
    }
    assert!(matches!(begin().await, Err(Error::Overloaded { lane: "export" })));
    open.pop();
    begin().await.expect("there is room");
    let unknown = house.office.back_office().export::<ExportedSeat>(Some(ConcertId::generate())).await;
    assert!(matches!(unknown, Err(Error::ConcertNotFound | Error::Overloaded { .. })), "{unknown:?}");
}

#[tokio::test]
async fn over_rest_an_export_is_csv_that_no_spreadsheet_takes_for_formulas_or_json() {
    let sold = Sold::open().await;
    let path = |kind: &str| format!("/api/v1/admin/concerts/{}/export/{kind}", sold.concert);
    let csv = sold.get(&path("payments?format=csv")).await.expect(200, "");
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert!(csv.headers["content-disposition"].to_str().expect("text").ends_with(".csv\""));
    let sums =
        ["x-export-rows", "x-export-amount", "x-export-refunded"].map(|name| csv.headers[name].to_str().expect("text"));
    assert_eq!(sums, ["3", "300", "100"]);
    assert_eq!(csv.text.matches("\r\n").count(), 4, "a line of names, and one each: {}", csv.text);
    assert!(csv.text.starts_with("concertId,concertName,date,"), "{}", csv.text);
    for text in [
        ",'=1+1,",
        ",'@SUM(A1),",
        ",\"'-2+3 \"\"as asked\"\", by post\"\r\n",
        ",100,REFUNDED,2027-03-01 12:00:00,2027-03-01T12:00:00.000000Z,",
    ] {
        assert!(csv.text.contains(text), "{text}: {}", csv.text);
    }
    let marked = sold.get(&path("payments?bom=true")).await.expect(200, "").text;
    assert_eq!(marked, format!("\u{feff}{}", csv.text));

    let entries = sold.get(&path("entries")).await.expect(200, "");
    assert!(entries.text.contains(",PAYMENT,-100,"), "numbers stay numbers: {}", entries.text);
    let seats = sold.get(&path("seats?format=json")).await.expect(200, "").body;
    assert_eq!(seats.as_array().map(Vec::len), Some(2_500));
    assert_eq!((&seats[6]["status"], &seats[6]["username"]), (&json!("SOLD"), &json!("@SUM(A1)")));
    let empty = sold.site.house.concert(1).await;
    let path_of = |kind: &str, format: &str| format!("/api/v1/admin/concerts/{empty}/export/{kind}?format={format}");
    assert_eq!(sold.get(&path_of("attendees", "json")).await.expect(200, "").body, json!([]));
    assert_eq!(sold.get(&path_of("payments", "csv")).await.expect(200, "").text.lines().count(), 1);

    sold.site.house.tamper("update concerts set time_zone = 'Asia/Seoul'").await;
    let in_seoul = sold.get(&path("payments")).await.expect(200, "").text;
    assert!(in_seoul.contains(",Asia/Seoul,"), "{in_seoul}");
    assert!(in_seoul.contains(",2027-03-01 21:00:00,2027-03-01T12:00:00.000000Z,"), "{in_seoul}");
    let in_seoul = sold.get(&path("payments?format=json")).await.expect(200, "").body;
    assert_eq!(in_seoul[0]["paidAt"], "2027-03-01T21:00:00+09:00");

    sold.get(&path("tokens")).await.expect(400, "INVALID_REQUEST");
    sold.get(&path("seats?format=xml")).await.expect(400, "INVALID_REQUEST");
    sold.get(&path("seats?format=json&bom=true")).await.expect(400, "INVALID_REQUEST");
    sold.get(&format!("/api/v1/admin/concerts/{}/export/seats", ConcertId::generate()))
        .await
        .expect(404, "CONCERT_NOT_FOUND");
}

#[tokio::test]
async fn whoever_holds_a_seat_already_is_told_so_with_the_reservation() {
    let site = Site::open().await;
    let concert = site.house.concert(5).await;
    let (anna, token) = site.active_user(1_000).await;
    let (ben, bens) = site.active_user(1_000).await;
    let held =
        site.post("/api/v1/reservations", &reservation(concert, 1, anna)).bearer(&token).send().await.expect(201, "");
    let again = site.post("/api/v1/reservations", &reservation(concert, 1, anna)).bearer(&token).send().await;
    let again = again.expect(409, "SEAT_ALREADY_RESERVED");
    let id = &held.body["reservationId"];
    assert_eq!(again.body["yours"], json!([{"seatNumber": 1, "reservationId": id}]));
    let detail = again.body["detail"].as_str().expect("text");
    assert!(
        detail.contains("you hold seat 1 by reservation") && detail.contains(id.as_str().expect("text")),
        "{detail}"
    );
    let other = site.post("/api/v1/reservations", &reservation(concert, 1, ben)).bearer(&bens).send().await;
    assert_eq!(other.expect(409, "SEAT_ALREADY_RESERVED").body["yours"], Value::Null, "others learn nothing of it");
    let two = json!({"concertId": concert, "seatNumbers": [1, 2], "userId": anna});
    let two = site.post("/api/v1/reservations", &two).bearer(&token).send().await.expect(409, "SEAT_ALREADY_RESERVED");
    assert_eq!(two.body["seatNumbers"], json!([1]));
}

#[tokio::test]
async fn a_buyer_sees_open_orders_all_orders_and_tickets_in_pages() {
    let sold = Sold::open().await;
    let (site, buyer) = (&sold.site, sold.buyer);
    let office = &site.house.office;
    let pair =
        office.hold(buyer, sold.concert, Wanted::BestAvailable { count: 2, section: None }).await.expect("holds");
    let get = async |path: String| site.get(&path).bearer(&sold.token).send().await;
    let open = get(format!("/api/v1/orders?userId={buyer}&open=true")).await.expect(200, "").body;
    let totals: Vec<_> = open["data"].as_array().expect("a list").iter().map(|order| order["total"].clone()).collect();
    assert_eq!((totals, &open["hasMore"]), (vec![json!(200), json!(100)], &json!(false)), "{open}");
    assert_eq!(open["data"][0]["orderId"], json!(pair.id));
    assert_eq!(open["data"][0]["seats"].as_array().map(Vec::len), Some(2));

    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(format!("/api/v1/orders?userId={buyer}&limit=2{after}")).await.expect(200, "").body;
        let orders = page["data"].as_array().expect("a list").clone();
        assert!(orders.len() <= 2);
        seen.extend(orders.iter().map(|order| order["status"].as_str().expect("text").to_owned()));
        let last = orders.last().expect("not empty")["orderId"].as_str().expect("text").to_owned();
        if page["hasMore"] == json!(false) {
            break;
        }
        after = format!("&startingAfter={last}");
    }
    seen.sort();
    assert_eq!(seen, ["CONFIRMED", "CONFIRMED", "HELD", "HELD", "REFUNDED"]);
    let one = get(format!("/api/v1/orders/{}", pair.id)).await.expect(200, "").body;
    assert_eq!(one["total"], 200);

    let tickets = get(format!("/api/v1/tickets?userId={buyer}&limit=1")).await.expect(200, "").body;
    let first = tickets["data"][0].clone();
    assert_eq!(
        (&first["concertName"], &first["date"], &first["section"]),
        (&json!("Spring"), &json!("2027-04-01"), &json!("=1+1"))
    );
    assert_eq!(tickets["hasMore"], true);
    let after = first["ticketId"].as_str().expect("text");
    let rest = get(format!("/api/v1/tickets?userId={buyer}&startingAfter={after}")).await.expect(200, "").body;
    assert_eq!(
        (rest["data"].as_array().map(Vec::len), &rest["hasMore"]),
        (Some(1), &json!(false)),
        "the refunded one is none"
    );
    get(format!("/api/v1/tickets?userId={}", UserId::generate())).await.expect(403, "NOT_YOURS");
    get(format!("/api/v1/orders?userId={buyer}&startingAfter={}", UserId::generate()))
        .await
        .expect(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn operators_look_at_seats_figures_and_explanations_over_rest() {
    let sold = Sold::open().await;
    let concert = sold.concert;
    let seats =
        sold.get(&format!("/api/v1/admin/concerts/{concert}/seats?limit=5&startingAfter=5")).await.expect(200, "").body;
    let statuses: Vec<_> =
        seats["data"].as_array().expect("a list").iter().map(|seat| seat["status"].clone()).collect();
    assert_eq!(statuses, ["FREE", "SOLD", "FREE", "HELD", "FREE"]);
    assert_eq!((&seats["data"][1]["username"], &seats["hasMore"]), (&json!("@SUM(A1)"), &json!(true)));
    let first = sold.get(&format!("/api/v1/admin/concerts/{concert}/seats")).await.expect(200, "").body;
    assert_eq!(first["data"].as_array().map(Vec::len), Some(1_000));

    assert_eq!(sold.get("/api/v1/admin/figures").await.expect(200, "").body["revenue"], 200);
    let explain = async |what: String| sold.get(&format!("/api/v1/admin/explain/{what}")).await;
    for what in [format!("seat/{concert}:7"), format!("seat/{concert}?seatNumber=7"), format!("seat/{concert}/7")] {
        let told = explain(what).await.expect(200, "").body;
        assert!(told["events"].as_array().expect("a list").iter().any(|event| event["what"] == "PAID"), "{told}");
    }
    let held = sold.site.house.office.holds_of(sold.buyer).await.expect("reads")[0].id;
    explain(format!("reservation/{held}")).await.expect(200, "");
    explain(format!("user/{}", sold.buyer)).await.expect(200, "");
    explain(format!("token/{held}")).await.expect(404, "TOKEN_UNKNOWN");
    explain(format!("seat/{concert}")).await.expect(400, "INVALID_REQUEST");
    explain(format!("seat/{concert}/x")).await.expect(400, "INVALID_REQUEST");
    explain(format!("user/{held}")).await.expect(404, "USER_NOT_FOUND");
}
