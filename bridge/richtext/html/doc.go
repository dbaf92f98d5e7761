// Package html converts between the neutral text form and the HTML of Teams' message bodies.
//
// There is no official list of tags that Microsoft Graph keeps, so [Render] writes only those that Teams' own programs
// write (p, br, strong, em, s, u, code, a, h1 to h6, ul, ol, li, blockquote, pre, table, tr, td, hr; [Allowed] has the whole
// list), and [Parse] takes every tag as
// optional: what it does not know is left out, the text inside is kept. It also reads what people paste: styles in attributes,
// the lists of Word, checkboxes.
//
// The package also hides Causeway's key in a body: an empty <abbr> at its very end, which Teams keeps and people do
// not see. A body has no other place for it.
package html
