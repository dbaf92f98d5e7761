#!/bin/bash
# Builds the deb package into a folder: contrib/nfpm/build.sh FOLDER. GOARCH=arm64 builds for another machine. The version is that of the tag, or
# one from the commit. The same commit gives the same package.
set -euo pipefail
out=$(realpath "${1:?which folder shall the package go to?}")
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0 GOFLAGS=${GOFLAGS--trimpath} GOOS=linux
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

DEB_ARCH=${GOARCH:-$(go env GOARCH)}
if git rev-parse HEAD >/dev/null 2>&1; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    DEB_VERSION=$(git describe --tags --exact-match 2>/dev/null || date -u -d "@$SOURCE_DATE_EPOCH" "+0.0.0~%Y%m%d.$(git rev-parse --short=8 HEAD)")
    stamp=true
else
    SOURCE_DATE_EPOCH=0 DEB_VERSION=0.0.0 stamp=false
fi
DEB_VERSION=${DEB_VERSION#v}
export SOURCE_DATE_EPOCH # of the package's files; nfpm reads it

go build -buildvcs=$stamp -o "$stage/causeway" ./cmd/causeway
for shell in bash zsh fish; do
    GOARCH= go run ./cmd/causeway completion $shell >"$stage/completion.$shell"
done
# Packages put programs elsewhere than people do.
sed 's#/usr/local/bin/causeway#/usr/bin/causeway#' contrib/systemd/causeway.service >"$stage/causeway.service"
sed "s#\${DEB_ARCH}#$DEB_ARCH#; s#\${DEB_VERSION}#$DEB_VERSION#; s#\${STAGE}#$stage#" contrib/nfpm/nfpm.yaml >"$stage/nfpm.yaml"
tool=$(GOARCH= go -C contrib/nfpm tool -n nfpm)
"$tool" package --config "$stage/nfpm.yaml" --packager deb --target "$out"
