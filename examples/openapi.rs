//! Writes the OpenAPI document of the REST interface to standard output, as `/api-docs/openapi.json` answers it.

fn main() -> Result<(), serde_json::Error> {
    serde_json::to_writer(std::io::stdout().lock(), &concert_server::openapi())
}
