#!/bin/bash
# Builds the deb package into a folder: contrib/nfpm/build.sh FOLDER. GOARCH=arm64 builds for another machine. The version is that of the tag, or
# one from the commit. The same commit gives the same package.
set -euo pipefail
out=$(realpath "${1:?which folder shall the package go to?}")
cd "$(dirname "$0")/../.."
export CGO_ENABLED=0 GOFLAGS=${GOFLAGS--trimpath} GOOS=linux
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

source contrib/version.sh # nfpm reads SOURCE_DATE_EPOCH
DEB_ARCH=${GOARCH:-$(go env GOARCH)}

go build -buildvcs=$stamp -ldflags='-s -w' -o "$stage/causeway" ./cmd/causeway
for shell in bash zsh fish; do
    GOARCH= go run ./cmd/causeway completion $shell >"$stage/completion.$shell"
done
# Packages put programs elsewhere than people do.
sed 's#/usr/local/bin/causeway#/usr/bin/causeway#' contrib/systemd/causeway.service >"$stage/causeway.service"
sed "s#\${DEB_ARCH}#$DEB_ARCH#; s#\${DEB_VERSION}#$VERSION#; s#\${STAGE}#$stage#" contrib/nfpm/nfpm.yaml >"$stage/nfpm.yaml"
tool=$(GOARCH= go -C contrib/nfpm tool -n nfpm)
"$tool" package --config "$stage/nfpm.yaml" --packager deb --target "$out"
