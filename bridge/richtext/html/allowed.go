package html

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"causeway/bridge/richtext"
)

// allowed are the elements that Render writes, each with its attributes and what they may be.
var allowed = map[string]map[string]*regexp.Regexp{
	"p": nil, "br": nil, "strong": nil, "em": nil, "s": nil, "u": nil, "hr": nil, "blockquote": nil, "pre": nil, "ul": nil, "li": nil,
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "h5": nil, "h6": nil, "table": nil, "tbody": nil, "tr": nil,
	"code": {"class": regexp.MustCompile(`^language-[A-Za-z0-9][A-Za-z0-9+#._-]*$`)},
	"ol":   {"start": regexp.MustCompile(`^[0-9]{1,9}$`)},
	"td":   {"style": regexp.MustCompile(`^text-align:(left|center|right)$`)},
	"a":    {"href": regexp.MustCompile(`^(?i:https?://|mailto:)`)},
	"img":  {"src": regexp.MustCompile(`^(?i:https?://)`), "alt": regexp.MustCompile(`(?s)`)},
	"at":   {"id": regexp.MustCompile(`(?s)`)},
	"abbr": {"title": regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)},
}

// Allowed tells what of a body is not on the white list of what [Render] writes; nil when all is. It is for tests: nothing
// that Render gives may fail it.
func Allowed(body string) error {
	var open []string
	tokens := html.NewTokenizer(strings.NewReader(body))
	for {
		kind := tokens.Next()
		token := tokens.Token()
		switch kind {
		case html.ErrorToken:
			if !errors.Is(tokens.Err(), io.EOF) {
				return fmt.Errorf("reading the body: %w", tokens.Err())
			}
			if len(open) > 0 {
				return fmt.Errorf("<%s> is not closed", open[len(open)-1])
			}
			return nil
		case html.StartTagToken:
			if err := allow(token); err != nil {
				return err
			}
			if name := token.Data; name != "br" && name != "hr" && name != "img" {
				open = append(open, name)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				return fmt.Errorf("</%s> closes nothing", token.Data)
			}
			open = open[:len(open)-1]
		case html.TextToken:
		default:
			return fmt.Errorf("there is a %v in the body: %q", kind, token.String())
		}
	}
}

func allow(token html.Token) error {
	attributes, ok := allowed[token.Data]
	if !ok {
		return fmt.Errorf("<%s> is not on the white list", token.Data)
	}
	for _, a := range token.Attr {
		value, ok := attributes[a.Key]
		if !ok || !value.MatchString(a.Val) || a.Key == "href" && richtext.CleanLink(a.Val) != a.Val {
			return fmt.Errorf("<%s %s=%q> is not on the white list", token.Data, a.Key, a.Val)
		}
	}
	return nil
}
