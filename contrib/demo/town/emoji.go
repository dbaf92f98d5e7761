package town

import (
	"strconv"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"
)

// Emoji are those that the page offers, with their names in Mattermost.
var Emoji = []struct {
	Char string `json:"char"`
	Name string `json:"name"`
}{
	{"👍", "+1"}, {"❤️", "heart"}, {"😄", "smile"}, {"🎉", "tada"}, {"👀", "eyes"}, {"🙏", "pray"},
	{"😮", "open_mouth"}, {"😢", "cry"}, {"🚀", "rocket"}, {"✅", "white_check_mark"}, {"🔥", "fire"}, {"👏", "clap"},
}

// legacyReactions are the words that Teams has for its first six reactions.
var legacyReactions = map[string]string{
	"like": "👍", "heart": "❤️", "laugh": "😆", "surprised": "😮", "sad": "😢", "angry": "😡",
}

// emojiNamed gives the characters of one of Mattermost's emoji.
func emojiNamed(name string) (string, bool) {
	for _, e := range Emoji {
		if e.Name == name {
			return e.Char, true
		}
	}
	points, ok := model.SystemEmojis[name]
	if !ok {
		return "", false
	}
	var b strings.Builder
	for point := range strings.SplitSeq(points, "-") {
		r, err := strconv.ParseInt(point, 16, 32)
		if err != nil {
			return "", false
		}
		b.WriteRune(rune(r))
	}
	return b.String(), true
}

// emojiName gives the name in Mattermost of an emoji that the page offers.
func emojiName(char string) (string, bool) {
	for _, e := range Emoji {
		if bare(e.Char) == bare(char) {
			return e.Name, true
		}
	}
	return "", false
}

// bare is an emoji without the variation selectors that services add and drop.
func bare(s string) string { return strings.NewReplacer("\ufe0e", "", "\ufe0f", "").Replace(s) }
