// Package markdown converts between the neutral text form and Mattermost's markdown.
//
// Mattermost's flavour is GitHub's with these differences: a newline is a line break, HTML is shown as it was typed,
// "~~" alone strikes through, and reference definitions are kept as text here because a converter may not lose them.
// Hashtags, names of channels, users and emoji are text to both; what is surely a formula is code.
//
// What [Render] writes is read by two programs that understand markdown in their own ways (Mattermost's web client
// and its mobile client) and by people, who see it as it is in notifications. So it escapes only where a character
// would mean something, and where markdown has no way to say what is meant it puts a zero-width space, which nobody sees
// and [richtext.Normalize] removes.
package markdown

// zeroWidth is the zero-width space. Behind "@" it keeps Mattermost from notifying anybody; a backslash does not
// (verified on a server). Beside "**" it makes the mark count where a letter or punctuation next to it would not let it.
const zeroWidth = "\u200b"

const zeroWidthRune = '\u200b'
