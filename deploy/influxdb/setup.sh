#!/usr/bin/env bash
# Runs once, in the container of InfluxDB, when its volume is new: the image's own entrypoint
# starts it after it has made the organization, the bucket and the operator's token.
set -euo pipefail

: "${DOCKER_INFLUXDB_INIT_ORG:?}" "${DOCKER_INFLUXDB_INIT_BUCKET:?}" "${DOCKER_INFLUXDB_INIT_BUCKET_ID:?}"

# InfluxQL knows databases: the bucket gets the name of one.
influx v1 dbrp create --org "$DOCKER_INFLUXDB_INIT_ORG" \
    --bucket-id "$DOCKER_INFLUXDB_INIT_BUCKET_ID" \
    --db "$DOCKER_INFLUXDB_INIT_BUCKET" --rp autogen --default

# Grafana may read the bucket, and nothing else.
influx v1 auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --description 'Grafana reads' \
    --username grafana --password "$(cat /run/secrets/grafana-password)" \
    --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" >/dev/null
