# One image for service and worker.
FROM python:3.13-slim
RUN useradd --create-home --uid 10001 xinglin && mkdir /data && chown xinglin /data
WORKDIR /srv/xinglin
COPY requirements.lock pyproject.toml README.md LICENSE package.json package-lock.json ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY src src
COPY catalog catalog
COPY routing routing
COPY migrations migrations
# The front-end files are brought where the package looks for them: beside its source.
RUN pip install --no-cache-dir hatchling editables \
 && pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && python -m xinglin.web.assets && chown -R xinglin /srv/xinglin
USER xinglin
CMD ["xinglin", "serve"]
