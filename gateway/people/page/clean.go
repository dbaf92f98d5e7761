package page

import "causeway/bridge/richtext"

// Clean makes a name fit for a page, see [richtext.Line].
func Clean(name string) string { return richtext.Line(name) }
