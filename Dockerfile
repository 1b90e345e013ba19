# The tool alone: built in one stage, run by an unprivileged user in another.
FROM rust:1.95.0-slim-bookworm AS build
# The image's own toolchain is the pinned one; without this, rustup would add rustfmt and clippy.
ENV RUSTUP_TOOLCHAIN=1.95.0
# The system's OpenSSL, for servers that only have the TLS of their time (source.tls: legacy).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --locked --release --package migrate --bin migrate --features legacy-tls

FROM debian:bookworm-slim
# The system's certificate authorities, for verified TLS on both sides, its OpenSSL, its Kerberos
# (source.auth: kerberos), and the SSH client.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgssapi-krb5-2 libssl3 openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /work --create-home migrate
COPY --from=build /src/target/release/migrate /usr/local/bin/migrate
USER migrate
WORKDIR /work
# Exec form, so that SIGTERM reaches the tool and not a shell.
ENTRYPOINT ["migrate"]
CMD ["--help"]
