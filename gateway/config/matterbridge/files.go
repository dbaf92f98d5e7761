package matterbridge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ending is a pattern that stands for the ending of a name, as people write it: .html$ or \.html$.
var ending = regexp.MustCompile(`^\\?\.([A-Za-z0-9]+)\$$`)

// largest is from where on a limit is none.
const largest = 1 << 50

// fileLimits gives what [general] says of files as a gateway's keys, with the patterns that are no endings of names.
func (c *converter) fileLimits() (maxSize string, blocked, others []string) {
	if n, err := strconv.ParseInt(c.general.text("mediadownloadsize"), 10, 64); err == nil && n > 0 && n < largest {
		maxSize = size(n)
	}
	for _, pattern := range c.general.texts("mediadownloadblacklist") {
		if m := ending.FindStringSubmatch(pattern); m != nil {
			blocked = append(blocked, "."+strings.ToLower(m[1]))
		} else {
			others = append(others, pattern)
		}
	}
	return maxSize, blocked, others
}

// size writes a number of bytes; never less than it is.
func size(n int64) string {
	switch {
	case n%1_000_000 == 0:
		return fmt.Sprintf("%d MB", n/1_000_000)
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d kB", (n+999)/1000)
}

// files writes the limits into a gateway; in Matterbridge they hold for all.
func (c *converter) files() {
	maxSize, blocked, _ := c.fileLimits()
	if maxSize != "" {
		c.text("", "MaxFileSize", maxSize, "")
	}
	if len(blocked) > 0 {
		c.value("", "BlockedTypes", `["`+strings.Join(blocked, `", "`)+`"]`, "")
	}
}

// filesMoved says in [general] where they have gone.
func (c *converter) filesMoved() {
	maxSize, blocked, others := c.fileLimits()
	if maxSize != "" || len(blocked) > 0 {
		c.comment("", "What was said of files here stands in each gateway: MaxFileSize, BlockedTypes.")
	}
	for _, pattern := range others {
		c.left("", "MediaDownloadBlacklist %s, as it is no ending of a name; BlockedTypes takes endings and media types.", plain(pattern))
	}
}
