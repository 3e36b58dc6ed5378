# syntax=docker/dockerfile:1
# concert-server and concert-cli, without a shell, as a user without rights. The database is outside: see compose.yaml.
#   docker build -t concert .
#   docker run --rm -p 8080:8080 -e DATABASE_URL=mysql://.. -e CONCERT_JWT_SECRET=.. concert

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin concert-server --bin concert-cli \
    && install -D --strip -t /out/usr/bin target/release/concert-server target/release/concert-cli

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="concert" \
      org.opencontainers.image.description="Box office for high-demand concerts" \
      org.opencontainers.image.source="https://github.com/concert-box-office/concert" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/ /
# All addresses of the container; which of them are reached from outside is said where it is run.
ENV CONCERT_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER 65532:65532
# Ready: the database answers and is migrated. The program asks itself, since there is no curl.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/bin/concert-server", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/concert-server"]
