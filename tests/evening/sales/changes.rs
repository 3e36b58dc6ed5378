//! Changes of a sale: those that are refused, and the record of the others.

use concert_core::{AdmissionChange, EntryOrder, Error, IdempotencyKey, Join, NewSale, Page, SaleChange, SaleId};
use serde_json::json;

use super::{in_seconds, open_sale, sale};
use crate::support::{House, Shortcuts as _};

#[tokio::test]
async fn a_sale_closes_after_it_opens_and_not_in_the_past() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let sale = sale(&house.office, "Friday", SaleChange::new().with_opens_at(in_seconds(&house, 60))).await;
    let closes = |seconds: i64| SaleChange::new().with_closes_at(in_seconds(&house, seconds));
    let refused = |done: Result<_, Error>| matches!(done.map(|_: concert_core::Sale| ()), Err(Error::InvalidInput(_)));
    assert!(refused(back_office.set_sale(sale, closes(60), None).await), "at the opening");
    back_office.set_sale(sale, closes(61), None).await.expect("a second after it");
    let always_open = open_sale(&house, "Saturday").await;
    const YEAR: i64 = 365 * 24 * 3_600;
    assert!(refused(back_office.set_sale(always_open, closes(-YEAR), None).await), "a year that was mistyped");
    // A form has no seconds.
    back_office.set_sale(always_open, closes(-59), None).await.expect("closes it now");
    let new = |seconds| NewSale::new("Sunday").with_settings(closes(seconds));
    assert!(refused(back_office.add_sale(&new(-YEAR)).await) && refused(back_office.add_sale(&new(0)).await));
    // A repeated request has its first answer, also when the sale is over.
    let key: IdempotencyKey = "sunday".parse().expect("a key");
    let kept = new(1).with_key(key);
    let made = back_office.add_sale(&kept).await.expect("adds it");
    house.advance(2);
    assert_eq!(back_office.add_sale(&kept).await.expect("the same").id, made.id);
}

#[tokio::test]
async fn a_change_is_refused_where_it_must_be_and_each_that_is_made_is_logged_once() {
    let house = House::open().await;
    let back_office = house.office.back_office();
    let sale = sale(&house.office, "Friday", SaleChange::new().with_order(EntryOrder::Draw)).await;
    assert!(matches!(back_office.add_sale(&NewSale::new("friday")).await, Err(Error::SaleExists)));
    open_sale(&house, "Saturday").await;
    let set = async |change, version| back_office.set_sale(sale, change, version).await;
    let named = |name: &str| SaleChange::new().with_name(name);
    assert!(matches!(set(named("Saturday"), None).await, Err(Error::SaleExists)));
    assert!(matches!(set(named("Sunday"), Some(7)).await, Err(Error::VersionChanged { version: 1 })));
    assert!(matches!(set(SaleChange::new(), None).await, Err(Error::InvalidInput(_))));
    let backwards = SaleChange::new().with_doors_at(in_seconds(&house, 2)).with_opens_at(in_seconds(&house, 1));
    assert!(matches!(set(backwards, None).await, Err(Error::InvalidInput(_))));
    assert_eq!(set(named("Sunday"), Some(1)).await.expect("is renamed").version, 2);
    assert_eq!(set(named("Sunday"), Some(2)).await.expect("is so").version, 2, "no change, no version");
    back_office.set_admission_in(sale, AdmissionChange::new().with_max_active(7)).await.expect("sets the cap");
    assert!(
        matches!(set(named("Monday"), Some(2)).await, Err(Error::VersionChanged { version: 3 })),
        "that counts, too"
    );
    let of_default = SaleChange::new().with_opens_at(in_seconds(&house, 9));
    assert!(matches!(back_office.set_sale(SaleId::DEFAULT, of_default, None).await, Err(Error::InvalidInput(_))));
    assert!(matches!(back_office.set_sale(SaleId::generate(), named("x"), None).await, Err(Error::SaleNotFound)));
    assert!(matches!(
        house.office.join_queue(Join::sale(SaleId::generate(), house.user(0).await)).await,
        Err(Error::SaleNotFound)
    ));

    let log = back_office.log(Page::new(Some(100), None).expect("a page")).await.expect("reads").data;
    let of_sale: Vec<_> = log.iter().filter(|entry| entry.subject_id == Some(sale.as_uuid())).collect();
    let acts: Vec<_> = of_sale.iter().map(|entry| (entry.act.as_str(), entry.subject.as_str())).collect();
    assert_eq!(acts, [("QUEUE_SET", "queue"), ("SALE_SET", "sale"), ("SALE_ADD", "sale")]);
    assert_eq!(of_sale[1].before, Some(json!({"name": "Friday"})));
    assert_eq!(of_sale[1].after, Some(json!({"name": "Sunday"})));
    let changes = back_office.queue_log_in(sale, 10).await.expect("reads");
    assert_eq!(changes.iter().map(|change| change.setting.as_str()).collect::<Vec<_>>(), ["max_active", "name"]);
}
