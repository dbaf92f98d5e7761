package mattermost

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
)

// errSamePage: a list would be read for ever.
var errSamePage = errors.New("each page of the list is the same: a proxy before the server must hand on what stands behind the question mark of an address")

// pages gives a list page by page, up to one that is not full, or to an error.
func pages[T any](ctx context.Context, c *client, path string) iter.Seq2[[]T, error] {
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	return func(yield func([]T, error) bool) {
		var before []T
		for page := 0; ; page++ {
			var list []T
			err := c.get(ctx, fmt.Sprintf("%s%spage=%d&per_page=%d", path, mark, page, pageSize), &list)
			if err == nil && len(list) >= pageSize && reflect.DeepEqual(list, before) {
				err = unreadable(opRead, errSamePage)
			}
			if !yield(list, err) || err != nil || len(list) < pageSize {
				return
			}
			before = list
		}
	}
}
