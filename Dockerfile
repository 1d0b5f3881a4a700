# The HTTP service with every first-party pack.  docs/deployment.md tells how it is built, checked and run.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

# Wheels: the one stage with a compiler.
FROM ${PYTHON_IMAGE} AS wheels
# Debian keeps one version of each at a time: pinned, the build would fail with its next update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
ARG EXTRAS=arrow,postgresql,redis,serve,traces
ARG SOURCE_DATE_EPOCH=315532800
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
WORKDIR /source
COPY . .
RUN python3 -m pip wheel --no-cache-dir --wheel-dir /wheels ".[${EXTRAS}]" ./agent_packs/* ./plugins/redis-events

# The environment, installed from these wheels alone, and its bill of materials.
FROM ${PYTHON_IMAGE} AS environment
COPY --from=wheels /wheels /wheels
RUN python3 -m venv --without-pip /opt/greenlang \
    && python3 -m pip --python /opt/greenlang/bin/python install --no-cache-dir --no-index --find-links /wheels /wheels/*.whl
RUN python3 -m venv /opt/cyclonedx \
    && /opt/cyclonedx/bin/pip install --no-cache-dir 'cyclonedx-bom>=7,<8' \
    && /opt/cyclonedx/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
        --output-file /opt/greenlang/sbom.cdx.json /opt/greenlang/bin/python

FROM ${PYTHON_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 greenlang \
    && useradd --uid 10001 --gid greenlang --no-create-home --home-dir /data --shell /usr/sbin/nologin greenlang \
    && install --directory --owner greenlang --group greenlang --mode 0750 /data
COPY --from=environment /opt/greenlang /opt/greenlang
COPY deploy/image/serve.toml /etc/greenlang/serve.toml
# What is written goes to /data and /tmp, so that the root file system can be read-only.
ENV PATH=/opt/greenlang/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp \
    XDG_CONFIG_HOME=/data \
    XDG_STATE_HOME=/data \
    GREENLANG_STORE=/data/greenlang.db
ARG PYTHON_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1980-01-01T00:00:00Z
LABEL org.opencontainers.image.title="greenlang-runtime" \
      org.opencontainers.image.description="Exact, fast, provable greenhouse-gas calculations over HTTP." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The GreenLang authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}" \
      ai.greenlang.sbom="/opt/greenlang/sbom.cdx.json"
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
ENTRYPOINT ["/usr/bin/tini", "--", "greenlang"]
CMD ["serve", "--config", "/etc/greenlang/serve.toml"]
