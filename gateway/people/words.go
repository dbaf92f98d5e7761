package people

import (
	"causeway/bridge"
	"causeway/bridge/richtext"
)

func plain(text string) richtext.Run { return richtext.Run{Text: text} }

func bold(text string) richtext.Run { return richtext.Run{Text: text, Style: richtext.Bold} }

func code(text string) richtext.Run { return richtext.Run{Text: text, Style: richtext.InlineCode} }

func link(text, address string) richtext.Run { return richtext.Run{Text: text, Link: address} }

func paragraph(runs ...richtext.Run) richtext.Block {
	return richtext.Block{Kind: richtext.Paragraph, Runs: runs}
}

// list makes a list of lines.
func list(lines ...[]richtext.Run) richtext.Block {
	b := richtext.Block{Kind: richtext.List}
	for _, l := range lines {
		b.Items = append(b.Items, richtext.Doc{paragraph(l...)})
	}
	return b
}

// say is a reply of plain lines.
func say(text string) bridge.Reply { return bridge.Reply{Text: richtext.Plain(text)} }
