#!/bin/bash
# Builds the program for other machines into a folder: contrib/release/build.sh FOLDER [linux/amd64 …]; without a list, for all that are named
# below. Beside each stands what it is made of (CycloneDX), and SHA256SUMS covers all. The same commit and the same Go give the same bytes, in whatever
# folder they are built.
set -euo pipefail
out=${1:?which folder shall the programs go to?}
shift
mkdir -p "$out"
out=$(realpath "$out")
cd "$(dirname "$0")/../.."
systems=("$@")
(( $# )) || systems=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64)
limit=$((40 << 20)) # bytes that a program may have

export CGO_ENABLED=0 GOFLAGS=-trimpath GOAMD64=v1 GOARM64=v8.0
source contrib/version.sh
tool=$(go -C contrib/release tool -n cyclonedx-gomod)

go version
printf '%-52s %10s %8s\n' program MiB seconds
made=() large=()
for system in "${systems[@]}"; do
    name=causeway-$VERSION-${system/\//-}
    file=$name
    [[ $system != windows/* ]] || file+=.exe
    began=$SECONDS
    GOOS=${system%/*} GOARCH=${system#*/} go build -buildvcs=$stamp -ldflags='-s -w -buildid=' -o "$out/$file" ./cmd/causeway
    made+=("$file")
    size=$(stat -c %s "$out/$file")
    printf '%-52s %10s %8d\n' "$file" "$(awk "BEGIN { printf \"%.1f\", $size / 1048576 }")" $((SECONDS - began))
    (( size <= limit )) || large+=("$file")
    "$tool" bin -json -std -noserial -notimestamp -version "$VERSION" -output "$out/$name.cdx.json" "$out/$file" 2>/dev/null
    made+=("$name.cdx.json")
done
(cd "$out" && sha256sum -- "${made[@]}" >SHA256SUMS)
if (( ${#large[@]} )); then
    echo "larger than $((limit >> 20)) MiB: ${large[*]}" >&2
    exit 1
fi
