//! A server that stops finishes what is in flight.

use serde_json::json;

use super::Site;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_are_answered_and_new_connections_are_not_taken() {
    let site = Site::open().await;
    // A log-in takes some thirty milliseconds of argon2: time enough to be in flight.
    let login = json!({"username": "nobody", "password": "wrong horse"});
    let first = site.post("/api/v1/users/login", &login).send().await.expect(401, "BAD_CREDENTIALS");
    drop(first);
    let in_flight = site.post("/api/v1/users/login", &login).send();
    let stop = async {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        site.shut_down();
    };
    let (answer, ()) = tokio::join!(in_flight, stop);
    answer.expect(401, "BAD_CREDENTIALS");
    let mut refused = false;
    for _ in 0..200 {
        if reqwest::Client::new().get(format!("{}/health/live", site.url)).send().await.is_err() {
            refused = true;
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(refused, "the port is closed");
}
