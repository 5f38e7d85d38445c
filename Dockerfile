# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
#
# The images that helm/buzzer runs, from one build:
#
#   docker build --target frontend -t buzzer-frontend:0.1.0 --build-arg REVISION=$(git rev-parse --short=12 HEAD) .
#   docker build --target state    -t buzzer-state:0.1.0 .
#   docker build --target worker   -t buzzer-worker:0.1.0 .
#
# (podman and buildah take the same; with them, --format docker keeps HEALTHCHECK.)
# tests/images/run builds all of them and runs a job on them. Each runs as user 10001,
# needs no capability, and writes nowhere but to /data (state) and /tmp.
#
# The worker's image is the base for your own handlers:
#
#   FROM buzzer-worker:0.1.0
#   COPY thumbnails /opt/team/
#   COPY worker.yaml /etc/buzzer/
#
# It has no interpreter but sh and bash: install what your program needs as root, then
# go back to `USER 10001:10001`.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY tools/setup tools/
RUN tools/setup build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY protos protos
COPY common common
COPY services services
# As many compilers at once; each takes up to 1 GiB.
ARG JOBS=2
# What --version tells: --build-arg REVISION=$(git rev-parse --short=12 HEAD).
ARG REVISION=unknown
RUN --mount=type=cache,target=/root/.cache/ccache \
    cmake --preset release -DBUZZER_BUILD_TESTS=OFF -DBUZZER_COMMIT="${REVISION}" \
    && cmake --build --preset release --parallel "${JOBS}" \
         --target buzzer buzzer-frontend buzzer-health buzzer-state buzzer-supervisor buzzer-worker \
    && install -D --strip --target-directory=/out build/release/bin/buzzer*
# Of the libraries that are in the programs.
RUN cd /usr/share/doc \
    && install -d /notices \
    && cp --parents --dereference libabsl-dev/copyright libc-ares-dev/copyright \
         libgoogle-perftools-dev/copyright libgrpc-dev/copyright libprotobuf-dev/copyright \
         librabbitmq-dev/copyright libre2-dev/copyright libsqlite3-dev/copyright \
         libssl-dev/copyright libyaml-cpp-dev/copyright /notices

FROM ${BASE} AS runtime
# ca-certificates: for a broker behind amqps:// whose authority is a public one. Most libraries
# are in the programs (BUZZER_STATIC): an update of one of them means a new build.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
         ca-certificates libprometheus-cpp-pull1.0 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/* /var/cache/debconf/*-old \
    && groupadd --gid 10001 buzzer \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
         --shell /usr/sbin/nologin buzzer \
    && rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow-
COPY LICENSE /usr/share/doc/buzzer/copyright
COPY --from=build /notices /usr/share/doc/
COPY --from=build /out/buzzer-health /usr/bin/
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="The Buzzer Authors" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS frontend
LABEL org.opencontainers.image.title="buzzer-frontend" \
      org.opencontainers.image.description="Buzzer's public gRPC API, and the command buzzer"
COPY --from=build /out/buzzer-frontend /out/buzzer /usr/bin/
EXPOSE 50051 9101
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["buzzer-health", "--address=127.0.0.1:50051"]
USER 10001:10001
ENTRYPOINT ["buzzer-frontend"]
CMD ["--listen_address=0.0.0.0:50051", "--metrics_address=0.0.0.0:9101", "--state_address=state:50052"]

FROM runtime AS state
LABEL org.opencontainers.image.title="buzzer-state" \
      org.opencontainers.image.description="Buzzer's state service: every job, its history, outbox and timers"
COPY --from=build /out/buzzer-state /usr/bin/
RUN install -d -o 10001 -g 10001 -m 750 /data
VOLUME /data
EXPOSE 50052 9102
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["buzzer-health", "--address=127.0.0.1:50052"]
USER 10001:10001
ENTRYPOINT ["buzzer-state"]
CMD ["--listen_address=0.0.0.0:50052", "--metrics_address=0.0.0.0:9102", "--data_directory=/data"]

FROM runtime AS worker
LABEL org.opencontainers.image.title="buzzer-worker" \
      org.opencontainers.image.description="Buzzer's worker; the base for a team's own handlers"
COPY --from=build /out/buzzer-worker /out/buzzer-supervisor /usr/bin/
EXPOSE 9103 9105
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["buzzer-health", "--worker=127.0.0.1:9105"]
USER 10001:10001
ENTRYPOINT ["buzzer-worker"]
CMD ["--config=/etc/buzzer/worker.yaml", "--metrics_address=0.0.0.0:9103", "--health_address=0.0.0.0:9105", "--state_address=state:50052"]
