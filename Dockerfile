# The image of every process of Verinote: docker-compose.yml says which command it runs. No
# HEALTHCHECK: what is healthy depends on that command.

FROM python:3.11-slim-bookworm AS build
ENV VIRTUAL_ENV=/opt/verinote UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY requirements.lock .
# uv itself is pinned in the lock too, as in .ci/bootstrap.
RUN sed -n '/^uv==/,/^ *# via/p' requirements.lock >uv.lock \
    && python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r uv.lock \
    && uv venv "$VIRTUAL_ENV" \
    && uv pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY service service
COPY eval eval
COPY prompts prompts
COPY seeds seeds
RUN uv pip install --no-deps --no-build-isolation . \
    && uv pip uninstall hatchling uv

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin verinote \
    && install --directory --owner=verinote --group=verinote /data
COPY --from=build /opt/verinote /opt/verinote
ENV PATH=/opt/verinote/bin:$PATH PYTHONUNBUFFERED=1 VERINOTE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["verinote"]
CMD ["serve", "--host", "0.0.0.0"]
