# Transom in an image without a shell, run by a user without rights:
#   docker build -t transom:0.1.0 .
#   docker run -v ./transom.toml:/etc/transom/transom.toml:ro -p 127.0.0.1:7080:7080 transom:0.1.0
# In a container `listen` has to be 0.0.0.0: a published port does not end at 127.0.0.1.

FROM rust:1.95-bookworm AS build
# zlib-ng is built from source.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Builds may run side by side: the second waits for the first and finds its work done.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release --bin transom \
    && install -D target/release/transom /out/transom \
    && mkdir /out/data

# libc, libgcc and the roots of trust; no shell. Its user is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/transom /usr/local/bin/transom
# A volume mounted here takes over its owner.
COPY --from=build --chown=65532:65532 /out/data /var/lib/transom
WORKDIR /var/lib/transom
USER 65532:65532
EXPOSE 7080
ENTRYPOINT ["/usr/local/bin/transom"]
CMD ["serve", "--config", "/etc/transom/transom.toml"]
