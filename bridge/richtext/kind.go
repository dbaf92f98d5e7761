package richtext

import "strings"

// normalizeKind gives the canonical form of a mention, emoji or image whose text is one line; a literal run when it lacks
// what makes it one.
func normalizeKind(r Run) Run {
	ok := false
	switch r.Kind {
	case Mention:
		ok = r.Who != "" && r.Link == "" && strings.Trim(r.Text, "@ ") != ""
		if ok {
			r.Text = "@" + Line(strings.TrimPrefix(r.Text, "@"))
		}
	case Emoji:
		ok = r.Link == "" && IsEmojiName(strings.TrimSuffix(strings.TrimPrefix(r.Text, ":"), ":"))
		if ok {
			r.Text = ":" + strings.Trim(r.Text, ":") + ":"
		}
	case Image:
		_, ok = cutScheme(r.Link)
		ok = ok && r.Text != ""
		if ok && (!strings.HasPrefix(r.Text, "[") || !strings.HasSuffix(r.Text, "]")) {
			r.Text = "[" + r.Text + "]"
		}
	}
	if r.Kind != Mention || !ok {
		r.Who = ""
	}
	if !ok {
		r.Kind = Literal
	}
	return r
}

// longestEmojiName is Mattermost's limit for the name of a custom emoji.
const longestEmojiName = 64

// IsEmojiName tells whether s can be the name of an emoji: what Mattermost allows in one.
func IsEmojiName(s string) bool {
	if s == "" || len(s) > longestEmojiName {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("_+-", c) < 0 {
			return false
		}
	}
	return true
}

// Alternative gives the description of an image without its brackets.
func (r Run) Alternative() string {
	return strings.TrimSuffix(strings.TrimPrefix(r.Text, "["), "]")
}
