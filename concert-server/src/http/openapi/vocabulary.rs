//! What each field may be. One name means one thing in every body, query and path, so its bounds and an example of it
//! stand here once.

use serde_json::{Value, json};

use super::operations;

/// The highest number that a JSON client surely keeps exactly, and that of a 32-bit integer.
const MOST_EXACT: i64 = 9_007_199_254_740_991;
const MOST_32_BIT: i64 = 2_147_483_647;
/// The test vector of docs/src/tickets.md.
const PAYLOAD: &str = "v1.01920000-0000-7000-8000-000000000001.AZIRERERcRGBEREREREREQGSIiIiInIigiIiIiIiIiIAAAAqAAAAAw.6F2NisVxSajm1SiZrnLIcO9tlt9GKg26_s3cWZsYyy5vvmib0jMgea59Uxjge2_3PAtRYgjNtcKQKgA09eTpDQ";
/// The highest amount and balance.
const MOST_MONEY: f64 = 99_999_999.99;
/// How exact an amount is.
const PLACES: &str = "With two decimal places at most, and no more than the currency has.";

/// Completes every schema. What an annotation says counts before what stands here.
pub(super) fn complete(document: &mut Value) {
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, schema) in schemas {
            field(name, "", schema);
        }
    }
    for (_, _, operation) in operations(document) {
        for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            field("", &name, &mut parameter["schema"]);
        }
        if let Some(body) = operation.get_mut("requestBody") {
            // In the document a body may be left out unless it says this; here none may.
            body["required"] = json!(true);
        }
    }
}

/// A field of `owner`, and what it is made of.
fn field(owner: &str, name: &str, schema: &mut Value) {
    if let Some(kind) = kind(schema) {
        let owned = terms(&format!("{owner}.{name}"), &kind);
        // The nearest first: what is there already is left as it is.
        add(schema, &owned);
        add(schema, &terms(name, &kind));
        add(schema, &usual(schema, &kind));
        if kind == "number" {
            say_places(schema);
        }
    }
    for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        field(owner, name, property);
    }
    for parts in ["oneOf", "allOf", "anyOf"] {
        for part in schema.get_mut(parts).and_then(Value::as_array_mut).into_iter().flatten() {
            field(owner, "", part);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        field(owner, &format!("{name}[]"), items);
    }
}

/// `string`, `integer`, `number` or `array`; `None`: it has no bounds of its own.
fn kind(schema: &Value) -> Option<String> {
    let name = match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null")?,
        _ => return None,
    };
    ["string", "integer", "number", "array"].contains(&name).then(|| name.to_owned())
}

fn add(schema: &mut Value, terms: &Value) {
    let (Some(schema), Some(terms)) = (schema.as_object_mut(), terms.as_object()) else { return };
    for (name, value) in terms {
        // Of whole numbers, the annotation of the type says 0 and means nothing by it.
        if name == "minimum" && schema.get(name) == Some(&json!(0)) {
            schema.insert(name.clone(), value.clone());
        }
        schema.entry(name).or_insert_with(|| value.clone());
    }
}

/// In words: as `multipleOf`, validators that reckon in floats refuse 69.99 and others.
fn say_places(schema: &mut Value) {
    let said = schema["description"].as_str().map(|text| format!("{} ", text.trim_end())).unwrap_or_default();
    schema["description"] = json!(format!("{said}{PLACES}"));
}

/// What holds for all fields of a kind.
fn usual(schema: &Value, kind: &str) -> Value {
    match (kind, schema["format"].as_str()) {
        ("integer", Some("int32")) => json!({"minimum": 0, "maximum": MOST_32_BIT}),
        ("integer", _) => json!({"minimum": 0, "maximum": MOST_EXACT}),
        ("number", _) => json!({"minimum": 0, "maximum": MOST_MONEY}),
        _ => Value::Null,
    }
}

fn text(longest: u32, example: &str) -> Value {
    json!({"minLength": 1, "maxLength": longest, "example": example})
}

fn id(example: &str) -> Value {
    json!({"example": example})
}

fn list(least: u32, most: u32) -> Value {
    json!({"minItems": least, "maxItems": most})
}

fn count(least: i64, most: i64, example: i64) -> Value {
    json!({"minimum": least, "maximum": most, "example": example})
}

/// The terms of a name, or of a name in one body.
fn terms(name: &str, kind: &str) -> Value {
    match kind {
        "string" => of_text(name),
        "array" => of_list(name),
        _ => of_number(name),
    }
}

fn of_text(name: &str) -> Value {
    match name {
        "userId" | "fromUserId" | "paidBy" => id("019a2b6e-0a51-7c1e-9d3f-6f2b8a4c7e10"),
        "toUserId" => id("019a2b6e-0a51-7c1e-9d3f-6f2b8a4c7e11"),
        "concertId" => id("019a2b6e-1f00-7a42-8b1c-3d5e7f901a22"),
        "saleId" => id("00000000-0000-0000-0000-000000000000"),
        "reservationId" | "orderId" | "ticketId" => id("019a2b70-4c8d-7be3-a6f4-90d1c2b3a455"),
        "paymentId" => id("019a2b71-9e10-7d07-b2c8-1f3a5b7c9d66"),
        "tokenId" => id("019a2b6f-7b2e-7f55-8c0d-e1f2a3b4c577"),
        "entryId" | "codeId" | "codeIds[]" | "subjectId" | "keyId" => id("019a2b72-0d3c-7a18-9e4f-5a6b7c8d9e88"),
        "token" | "accessToken" => {
            json!({
                "maxLength": 2_048, "pattern": r"^[\w-]+\.[\w-]+\.[\w-]+$",
                "example": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTlhMmI2ZSJ9.c2lnbmF0dXJl",
            })
        }
        "ticket" | "payload" => text(256, PAYLOAD),
        "publicKey" => json!({
            "minLength": 43, "maxLength": 43, "pattern": r"^[\w-]{43}$",
            "example": "6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw",
        }),
        "algorithm" => text(16, "Ed25519"),
        "gate" => text(64, "north 2"),
        "username" => text(64, "alice"),
        "password" | "currentPassword" | "newPassword" => json!({"maxLength": 256, "example": "correct horse battery"}),
        "name" | "concertName" => text(255, "Spring Tour, Seoul"),
        "SectionRequest.name" | "SectionBody.name" | "section" => text(32, "Front"),
        "RowRequest.name" | "row" => text(16, "12"),
        "reason" | "cancelReason" | "blockedReason" => text(255, "the singer is ill"),
        "reference" => json!({
            "minLength": 1, "maxLength": 128, "pattern": "^[!-~]([ -~]*[!-~])?$", "example": "INV-2027-0042",
        }),
        "code" | "codes[]" => json!({"maxLength": 64, "example": "K7QM-2X9D-0HVT-RB1E"}),
        "marks[]" | "marks[][]" | "MarksRequest.[]" => text(32, "ACCESSIBLE"),
        "PlanState.state" => json!({"maxLength": 1_000_000, "contentEncoding": "base64"}),
        "seats" => json!({"minLength": 1, "maxLength": 16_384, "pattern": "^[0-9 ,-]+$", "example": "1-20, 25"}),
        "startsAt" => json!({"minLength": 5, "maxLength": 40, "example": "20:00"}),
        "timeZone" => text(64, "Asia/Seoul"),
        "publicValue" => text(255, "4 8 15 16 23 42"),
        "commitment" | "secret" | "chain" => json!({
            "pattern": "^[0-9a-f]{64}$", "minLength": 64, "maxLength": 64,
            "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }),
        "createdBy" | "retiredBy" | "checkedInBy" | "cancelledBy" | "movedBy" | "by" => text(255, "box office 1"),
        "act" => text(64, "RECHARGE"),
        "subject" => text(64, "user"),
        "requestId" => text(128, "9f0c2f5e-8a44-4a55-9d0e-5a1b3c0d7e42"),
        "Problem.type" => text(64, "about:blank"),
        "Problem.title" => text(64, "Conflict"),
        "Problem.detail" | "ConflictBody.detail" => text(400, "seat 7 is already reserved"),
        "date" | "performanceDate" => json!({"example": "2027-03-05"}),
        "Idempotency-Key" => json!({
            "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$",
            "example": "5b8c1f2e-order-7",
        }),
        "If-Match" => json!({"maxLength": 1_024, "example": "\"7\""}),
        // However long: what is no ETag of ours matches nothing.
        "If-None-Match" => json!({"example": "\"7\""}),
        _ => Value::Null,
    }
}

fn of_list(name: &str) -> Value {
    match name {
        "ReserveRequest.seatNumbers" => list(1, 256),
        "SwapRequest.seatNumbers" => list(2, 2),
        "SeatsChangedBody.seatNumbers" | "reserved" | "refused" => list(0, 65_536),
        "seatNumbers" => list(1, 65_536),
        "SeatsBody.data" => list(0, 1_000),
        "VoidTicketsBody.data" => list(0, 100_000),
        "data" => list(0, 100),
        "checkins" | "results" => list(1, 500),
        "keys" => list(0, 10_000),
        "NewConcertRequest.sections" => list(1, 10_000),
        "RowRequest.places" | "AddRequest.places" => list(1, 65_536),
        "PointsRequest." | "SeatsRequest." => list(1, 1_000_000),
        "RowsRequest." => list(1, 100_000),
        "marks" | "MarksRequest." => list(0, 32),
        "MadeCodesBody.codes" | "codeIds" => list(1, 10_000),
        "Plan.prices" | "Plan.sections" | "PlanSection.rows" => list(1, 1_000_000),
        "Plan.marks" => list(0, 100_000),
        "Plan.marks[]" => list(1, 32),
        "PlanRow.runs" => list(1, 1_000_000),
        "PlanRun.steps" => list(2, 2_000_000),
        "PlanDelta.free" | "PlanDelta.held" | "PlanDelta.sold" | "PlanDelta.blocked" => list(1, 1_000_000),
        "moved" => list(1, 2),
        "moves" | "concerts" | "sections" => list(0, 10_000),
        "OrderBody.seats" | "PaymentBody.payments" => list(0, 256),
        _ => Value::Null,
    }
}

fn of_number(name: &str) -> Value {
    let money = |example: f64| json!({"example": example});
    match name {
        "seatNumber" | "seatNumbers[]" | "reserved[]" | "from" | "to" | "SeatsRequest.[]" | "startingAfter" => {
            count(1, MOST_32_BIT, 7)
        }
        "place" | "places[]" => count(1, MOST_32_BIT, 3),
        "PointsRequest." | "PointsRequest.[]" | "PlanRun.steps[]" => count(-MOST_32_BIT - 1, MOST_32_BIT, 40),
        "BestAvailable.count" => count(1, 256, 2),
        "maxSeatsPerUser" => count(1, 1_000_000, 4),
        "maxActive" | "perMinute" => count(1, 100_000_000, 500),
        "uses" => count(1, 10_000_000, 1),
        "limit" => count(1, 100, 20),
        "queuePosition" => count(0, MOST_EXACT, 42),
        "remainingTime" | "estimate" => count(0, MOST_EXACT, 300),
        "pollAfterSeconds" => count(1, 3_600, 5),
        "Problem.status" => count(400, 599, 409),
        "version" => count(0, MOST_32_BIT, 3),
        "RechargeRequest.amount" | "CreditRequest.amount" => json!({"minimum": 0.01, "example": 100.5}),
        "EntryBody.amount" => json!({"minimum": -MOST_MONEY, "example": -120}),
        "CancellationBody.amount" | "CancellationBody.amountRefunded" => json!({"maximum": 1e18, "example": 143_880}),
        "amount" | "price" | "highestPrice" | "takenAtPrice" => money(120.0),
        "total" => money(240.0),
        "newBalance" | "balance" | "balanceAfter" => money(150.5),
        "currentBalance" => money(50.0),
        _ => Value::Null,
    }
}
