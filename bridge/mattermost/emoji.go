package mattermost

import (
	"sort"
	"strconv"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// emojiNames gives for each emoji in neutral form the name to react with: of several the first in the alphabet, which
// for the common ones is what Mattermost's own picker takes ("+1", not "thumbsup").
var emojiNames = func() map[string]string {
	names := make([]string, 0, len(model.SystemEmojis))
	for name := range model.SystemEmojis {
		names = append(names, name)
	}
	sort.Strings(names)
	byEmoji := make(map[string]string, len(names))
	for _, name := range names {
		emoji, ok := systemEmoji(name)
		if !ok {
			continue
		}
		if _, taken := byEmoji[bridge.NormalizeEmoji(emoji)]; !taken {
			byEmoji[bridge.NormalizeEmoji(emoji)] = name
		}
	}
	return byEmoji
}()

// emojiName gives the name to react with for an emoji in neutral form; false where the server cannot have it. Of a custom emoji it may have one of that name.
func emojiName(neutral string) (string, bool) {
	if name, ok := emojiNames[bridge.NormalizeEmoji(neutral)]; ok {
		return name, true
	}
	name := strings.Trim(neutral, ":")
	return name, neutral == ":"+name+":" && richtext.IsEmojiName(name) && !model.IsSystemEmojiName(name) // of that the neutral form is its characters
}

// neutralEmoji gives the neutral form of an emoji by its name.
func neutralEmoji(name string) string {
	if emoji, ok := systemEmoji(name); ok {
		return bridge.NormalizeEmoji(emoji)
	}
	return ":" + name + ":"
}

// systemEmoji gives the characters of a system emoji by its name; custom emoji have none.
func systemEmoji(name string) (string, bool) {
	points, ok := model.SystemEmojis[name]
	if !ok {
		return "", false
	}
	var b strings.Builder
	for _, hex := range strings.Split(points, "-") {
		r, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			return "", false
		}
		b.WriteRune(rune(r))
	}
	return b.String(), true
}

// reactions gives the reactions of a post in neutral form, aliases of one emoji by one person once.
func reactions(post *model.Post) []bridge.Reaction {
	if post.Metadata == nil {
		return nil
	}
	var all []bridge.Reaction
	seen := map[bridge.Reaction]bool{}
	for _, r := range post.Metadata.Reactions {
		if r == nil {
			continue
		}
		reaction := bridge.Reaction{User: bridge.UserID(r.UserId), Emoji: neutralEmoji(r.EmojiName)}
		if r.EmojiName == "" || r.DeleteAt != 0 || seen[reaction] {
			continue
		}
		seen[reaction] = true
		all = append(all, reaction)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].Emoji != all[j].Emoji {
			return all[i].Emoji < all[j].Emoji
		}
		return all[i].User < all[j].User
	})
	return all
}

// unjoiner is the zero-width non-joiner. Behind the first colon it makes ":smile:" that somebody typed elsewhere stay text;
// unlike the zero-width space it survives reading, so that it can be told from ":smile:" typed here.
const unjoiner = "\u200c"

// spellEmoji puts the characters in the place of :names: of system emoji, outside of code, and undoes guardNames.
func spellEmoji(doc richtext.Doc) richtext.Doc {
	return doc.MapText(func(s string) string {
		return mapNames(s, func(name string) (string, bool) {
			if guarded, ok := strings.CutPrefix(name, unjoiner); ok {
				return ":" + guarded, false
			}
			emoji, ok := systemEmoji(name)
			if !ok {
				return ":" + name, false // ":mattermost:" is a picture
			}
			return emoji, true
		})
	})
}

// guardNames keeps clients from showing typed names of system emoji as emoji.
func guardNames(doc richtext.Doc) richtext.Doc {
	return doc.MapText(func(s string) string {
		return mapNames(s, func(name string) (string, bool) { return ":" + unjoiner + strings.TrimPrefix(name, unjoiner), false })
	})
}

// mapNames finds ":name:" of system emoji, guarded or not. Replace gives what stands in the place of the first colon and the
// name, and whether the second colon goes too.
func mapNames(s string, replace func(name string) (text string, whole bool)) string {
	if strings.Count(s, ":") < 2 {
		return s
	}
	var b strings.Builder
	for {
		start := strings.IndexByte(s, ':')
		if start < 0 {
			break
		}
		length := strings.IndexByte(s[start+1:], ':')
		if length < 0 {
			break
		}
		name := s[start+1 : start+1+length]
		text, whole := s[start:start+1+length], false
		if model.IsSystemEmojiName(strings.TrimPrefix(name, unjoiner)) {
			text, whole = replace(name)
		}
		b.WriteString(s[:start])
		b.WriteString(text)
		s = s[start+1+length:] // the second colon may begin a name
		if whole {
			s = s[1:]
		}
	}
	b.WriteString(s)
	return b.String()
}
