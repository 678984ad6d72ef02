# Debian, not Alpine: polars has no wheels worth running on musl.
FROM python:3.13-slim-bookworm AS build

WORKDIR /src
# No pip in the venv that goes into the image: the build's own pip fills it.
RUN python -m venv --without-pip /opt/log-sentinel
COPY requirements.lock ./
RUN pip --disable-pip-version-check --python /opt/log-sentinel/bin/python \
    install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY log_sentinel ./log_sentinel
COPY parsers ./parsers
COPY alerts ./alerts
COPY migrations ./migrations
RUN pip --disable-pip-version-check --python /opt/log-sentinel/bin/python \
    install --no-cache-dir --no-deps --no-build-isolation . \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/log-sentinel


FROM python:3.13-slim-bookworm

LABEL org.opencontainers.image.title="log-sentinel" \
      org.opencontainers.image.description="Watches the access logs of an API gateway and tells you who is being denied, and why." \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /opt/log-sentinel /opt/log-sentinel
COPY --from=build --chown=10001:10001 /var/lib/log-sentinel /var/lib/log-sentinel

ENV PATH=/opt/log-sentinel/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# A number, not a name: runAsNonRoot can check it. The default database, log-sentinel.db, lands in the working folder, which
# is the only one that is written to.
USER 10001:10001
WORKDIR /var/lib/log-sentinel
VOLUME ["/var/lib/log-sentinel"]
EXPOSE 9877
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["log-sentinel", "healthcheck"]
ENTRYPOINT ["log-sentinel"]
CMD ["run"]
