# Sourced by what builds packages and releases, at the top of the repository: sets VERSION, that of the tag or one of the commit's day, stamp, whether Go can
# ask git for it, and SOURCE_DATE_EPOCH, the time of what is packed.
if git rev-parse HEAD >/dev/null 2>&1; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    VERSION=$(git describe --tags --exact-match 2>/dev/null || date -u -d "@$SOURCE_DATE_EPOCH" "+0.0.0~%Y%m%d.$(git rev-parse --short=8 HEAD)")
    stamp=true
else
    SOURCE_DATE_EPOCH=0 VERSION=0.0.0 stamp=false
fi
VERSION=${VERSION#v}
export SOURCE_DATE_EPOCH
