# The runtime with the first-party packs.  The compiler stays in the first stage.
FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --wheel-dir /wheels . ./agent_packs/*

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="greenlang-runtime" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels /wheels/greenlang_*.whl
RUN useradd --uid 10001 --create-home greenlang
USER 10001
WORKDIR /data
ENTRYPOINT ["greenlang"]
CMD ["--help"]
