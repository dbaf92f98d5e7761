// Package html converts between the neutral text form and the HTML of Teams' message bodies.
//
// There is no official list of tags that Microsoft Graph keeps, so [Render] writes only those that Teams' own programs
// write (p, br, strong, em, s, code, a, h1 to h6, ul, ol, li, blockquote, pre, hr), and [Parse] takes every tag as
// optional: what it does not know is left out, the text inside is kept.
//
// The package also hides Causeway's key in a body: an empty <abbr> at its very end, which Teams keeps and people do
// not see. A body has no other place for it.
package html
