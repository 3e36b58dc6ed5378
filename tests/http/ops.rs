//! The service pages, and the frame around every request.

use concert_server::routes;
use reqwest::Method;
use serde_json::Value;

use super::{Site, Transcript};

#[tokio::test]
async fn health_and_unknown_routes() {
    let site = Site::open().await;
    let mut said = Transcript::default();
    said.note("alive", site.get("/health/live")).await;
    said.note("ready", site.get("/health/ready")).await;
    said.note("no such route", site.get("/api/v1/nothing")).await;
    said.note("no such method", site.ask(Method::PUT, "/api/v1/tokens")).await;
    said.note("another one", site.ask(Method::PATCH, "/health/live")).await;
    said.check("ops");
}

#[tokio::test]
async fn without_its_schema_the_server_is_alive_and_not_ready() {
    let site = Site::open().await;
    site.house.tamper("rename table _concert_migrations to elsewhere").await;
    site.get("/health/live").send().await.expect(200, "");
    site.get("/health/ready").send().await.expect(503, "DATABASE_SETUP");
}

#[tokio::test]
async fn metrics_show_requests_by_route_and_refusals_by_code() {
    let site = Site::open().await;
    site.active_user(0).await;
    site.get("/api/v1/reservations/not-a-uuid/seats").send().await.expect(400, "INVALID_REQUEST");
    let metrics = site.get("/metrics").send().await.expect(200, "").text;
    for part in ["/api/v1/reservations/{concertId}/seats", "INVALID_REQUEST", "concert_batch_commands", "concert_queue"]
    {
        assert!(metrics.contains(part), "{part} is missing in\n{metrics}");
    }
    assert!(!metrics.contains("not-a-uuid"), "paths are no labels");
}

#[tokio::test]
async fn the_openapi_document_and_the_routes_agree() {
    let site = Site::open().await;
    let document = site.get("/api-docs/openapi.json").send().await.expect(200, "").body;
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let mut documented = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            documented.push((method.to_uppercase(), path.clone()));
            assert!(operation["responses"].as_object().is_some_and(|responses| !responses.is_empty()), "{path}");
        }
    }
    let mut answered: Vec<_> =
        routes().into_iter().map(|route| (route.method.to_owned(), route.template.to_owned())).collect();
    // The page that shows the document is not part of what it describes.
    answered.retain(|(_, path)| !path.starts_with("/docs"));
    documented.sort();
    answered.sort();
    assert_eq!(documented, answered);
}

#[tokio::test]
async fn the_api_page_comes_from_the_binary() {
    let site = Site::open().await;
    let page = site.get("/docs/").send().await.expect(200, "").text;
    assert!(page.contains("swagger-ui"), "{page}");
    assert!(!page.contains("https://"), "nothing is loaded from elsewhere: {page}");
    site.get("/docs/swagger-ui-bundle.js").send().await.expect(200, "");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let site = Site::open().await;
    let client = reqwest::Client::new();
    let answer = client.get(format!("{}/nothing", site.url)).send().await.expect("is answered");
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let problem: Value = answer.json().await.expect("a problem");
    assert_eq!(problem["requestId"], id.as_str());
}
