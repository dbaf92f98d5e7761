package app

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRenderConvertsAsTheBridgesDo(t *testing.T) {
	for name, test := range map[string]struct{ args, in, want string }{
		"markdown": {"--from mattermost --to msteams", "**bold**\n\n| a | b |\n|--:|---|\n| 1 | 2 |",
			`<p><strong>bold</strong></p><table><tbody><tr><td style="text-align:right"><strong>a</strong></td><td><strong>b</strong></td></tr><tr><td style="text-align:right">1</td><td>2</td></tr></tbody></table>`},
		"html":                     {"--from msteams --to mattermost", "<p>a<b>b</b> @all</p>", "a**b** @\u200ball"},
		"mention of a user":        {"--from mattermost --to msteams --person zoe.k=0 --person bob=1", "@zoe.k. `@bob` @Bob @carl", `<p><at id="0">zoe.k</at>. <code>@bob</code> <at id="1">Bob</at> @carl</p>`},
		"a name that is no user's": {"--from msteams --to mattermost --person Bob=all;here", `<at id="0">Bob</at>`, "@\u200bBob"},
		"the same service":         {"--from mattermost --to mattermost", "__a__\n* b", "**a**\n\n- b"},
		"nothing":                  {"--from msteams --to mattermost", "", ""},
	} {
		var out, errs bytes.Buffer
		c := Command{Stdin: strings.NewReader(test.in), Stdout: &out, Stderr: &errs}
		if code := c.Run(t.Context(), append([]string{"render"}, strings.Fields(test.args)...)); code != 0 || out.String() != test.want+"\n" || errs.Len() > 0 {
			t.Errorf("%s: exit code %d\ngot  %s\nwant %s\n%s", name, code, out.String(), test.want, errs.String())
		}
	}
	var out bytes.Buffer
	c := Command{Stdin: strings.NewReader(`<at id="0">Zoë Krüger</at>, hi`), Stdout: &out, Stderr: &out}
	if c.Run(t.Context(), []string{"render", "-from", "msteams", "-to", "mattermost", "-person", "Zoë Krüger=zoe.k"}); out.String() != "@zoe.k, hi\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestRenderSaysWhatItLacks(t *testing.T) {
	for words, want := range map[string]string{
		"render":                                              "render needs --from SERVICE --to SERVICE",
		"render --from mattermost":                            "render needs --from SERVICE --to SERVICE",
		"render --from x --to y -z":                           "unknown flag -z",
		"render --from mattermos --to msteams":                "--from names no service: \"mattermos\"; did you mean mattermost?",
		"render --from msteams --to mattermost --person Bob":  `--person takes NAME=ID, not "Bob"`,
		"render --from msteams --to mattermost --person =Bob": `--person takes NAME=ID, not "=Bob"`,
		"render --from":                                       "--from needs a value",
		"render --form msteams":                               "unknown flag --form; did you mean --from?",
		"check --from msteams":                                "check takes no --from",
		"render a --from b --to c":                            `render takes no "a"`,
	} {
		var out, errs bytes.Buffer
		code := Command{Stdin: strings.NewReader("x"), Stdout: &out, Stderr: &errs}.Run(t.Context(), strings.Fields(words))
		if code != 2 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "causeway: "+want) {
			t.Errorf("causeway %s: exit code %d, %s, want %s", words, code, errs.String(), want)
		}
	}
	for want, in := range map[string]io.Reader{
		"there is no stdin":                   nil,
		"reading the text: broken":            iotest.ErrReader(errors.New("broken")),
		"reading the text: it is longer than": io.LimitReader(endless{}, 5<<20),
	} {
		var out, errs bytes.Buffer
		code := Command{Stdin: in, Stdout: &out, Stderr: &errs}.Run(t.Context(), strings.Fields("render --from msteams --to mattermost"))
		if code != 1 || out.Len() > 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("exit code %d, %s, want %s", code, errs.String(), want)
		}
	}
}

// endless is a text without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
