FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY briefings briefings
COPY workers workers
COPY migrations migrations
COPY templates templates
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
 && useradd --system --create-home briefings && mkdir /data && chown briefings /data
USER briefings
CMD ["briefings", "web"]
