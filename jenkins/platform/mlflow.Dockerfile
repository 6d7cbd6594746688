# MLflow's server with PostgreSQL and an S3 client. `make mlflow-image` stages the context (scripts/platform_stack/mlflow_image.py).
# Built like the service's image (service/Dockerfile): packages by hash, the same layers from the same inputs.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
# pip's usual settings, for a mirror; they stay in this stage.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_DEFAULT_TIMEOUT
COPY requirements.txt /in/
RUN python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-cache-dir --no-compile \
        --no-deps --only-binary :all: --require-hashes --target /out/app/packages --requirement /in/requirements.txt
RUN cd /out/app/packages \
    && rm -rf bin \
    && find . -depth \( -type d -name tests -o -type f -name '*.pyi' -o -type f -name '*.pxd' \) -exec rm -rf {} + \
    && PYTHONHASHSEED=0 python3 -m compileall -q -j 1 --invalidation-mode unchecked-hash -s /out -p / . \
    && find /out -exec touch -h -d @315532800 {} +

FROM ${BASE_IMAGE} AS files
COPY health.py /out/app/
RUN mkdir -p /out/etc /out/var/lib/mlflow \
    && cp /etc/passwd /etc/group /out/etc/ \
    && echo 'mlflow:x:10002:10002::/nonexistent:/usr/sbin/nologin' >>/out/etc/passwd \
    && echo 'mlflow:x:10002:' >>/out/etc/group \
    && chown 10002:10002 /out/var/lib/mlflow \
    && find /out -exec touch -h -d @315532800 {} +

FROM ${BASE_IMAGE}
COPY --from=packages /out/ /
COPY --from=files /out/ /
# Without other settings: records in SQLite and artifacts in files, on the volume. In a stack, MLFLOW_BACKEND_STORE_URI names
# PostgreSQL without its password, which PGPASSFILE has; AWS_SHARED_CREDENTIALS_FILE has the keys of an S3 store: no secret
# is in an environment. MLFLOW_SERVER_ALLOWED_HOSTS must have each name that callers use.
ENV PYTHONPATH=/app/packages \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DO_NOT_TRACK=true \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/var/lib/mlflow \
    MLFLOW_HOST=0.0.0.0 \
    MLFLOW_PORT=5000 \
    MLFLOW_WORKERS=2 \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MLFLOW_SERVER_ALLOWED_HOSTS=mlflow,mlflow:5000,localhost,localhost:5000,127.0.0.1:5000 \
    MLFLOW_BACKEND_STORE_URI=sqlite:////var/lib/mlflow/mlflow.db \
    MLFLOW_ARTIFACTS_DESTINATION=/var/lib/mlflow/artifacts
WORKDIR /var/lib/mlflow
USER 10002:10002
EXPOSE 5000
# With a read-only root: this volume, and a tmpfs on /tmp.
VOLUME /var/lib/mlflow
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --start-interval=2s --retries=3 \
    CMD ["python3", "-I", "-S", "/app/health.py"]
ENTRYPOINT ["python3", "-m", "mlflow"]
CMD ["server"]
