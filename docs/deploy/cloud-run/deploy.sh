#!/bin/sh
# Deploys the image to Google Cloud Run: IMAGE=… REDIS_URL=… TOKEN_SECRET_NAME=… ALLOWED_ORIGINS=… sh deploy.sh
# Before: push the image (server/container/Dockerfile), keep the token secret in Secret Manager under the name
# TOKEN_SECRET_NAME, and have a Redis that the network of VPC_NETWORK reaches, such as Memorystore.
set -eu

# Cloud Run ends every request after --timeout, and so every WebSocket; clients are moved before. It sends SIGTERM and
# kills after 10 s, so a drain of 4 s and the close behind it fit. Session affinity would only hinder moves.
gcloud run deploy "${SERVICE:-holdfast}" \
  --image "$IMAGE" \
  --region "${REGION:-europe-west1}" \
  --port 9000 \
  --timeout 3600 \
  --concurrency 500 \
  --cpu 1 --memory 512Mi \
  --no-cpu-throttling \
  --no-session-affinity \
  --min-instances 1 --max-instances "${MAX_INSTANCES:-10}" \
  --network "${VPC_NETWORK:-default}" --subnet "${VPC_SUBNET:-default}" \
  --allow-unauthenticated \
  --set-secrets "TOKEN_SECRET=$TOKEN_SECRET_NAME:latest" \
  --set-env-vars "^|^NODE_ENV=production|AUTH=token|REDIS_URL=$REDIS_URL|ALLOWED_ORIGINS=$ALLOWED_ORIGINS|FUNCTION_TIMEOUT_SECONDS=3600|DRAIN_SECONDS=4"
