package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// TestALongReasonIsOfferedAsMuchOfItAsCanBeTyped, and finds what it stands for.
func TestALongReasonIsOfferedAsMuchOfItAsCanBeTyped(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	begin := strings.Repeat("x", mostTyped-1)
	for i, reason := range []string{begin + "é and more", "two\nlines"} {
		s.say(fmt.Sprint("m", i), "a word")
		s.refuse(reason)
	}
	s.wants(s.page("/quarantine"), `<option value="`+begin+`"></option>`, `<option value="two"></option>`)
	for _, reason := range []string{begin, "two"} {
		s.wants(s.page("/confirm?do=retryall&to=&reason="+reason), "<h1>Try 1 message whose reason holds “"+reason+"” again?</h1>")
	}
}

// TestManyAreReleasedAtOnce by conversation and reason, also those that are on no page; but never what has come into quarantine after they were counted.
func TestManyAreReleasedAtOnce(t *testing.T) {
	s := newStage(t, config.Dashboard{}, "")
	for i := range pageRows + 2 {
		s.say(fmt.Sprint("m", i), "a word")
		s.refuse(map[bool]string{true: "too <large>", false: "not allowed"}[i < 3])
	}
	s.wants(s.page("/quarantine"), "<option>right.two Contoso/General</option>", `<option value="not allowed"></option><option value="too &lt;large&gt;"></option>`)
	s.wants(s.page("/confirm?do=retryall&to=&reason=TOO"), "<h1>Try 3 messages whose reason holds “TOO” again?</h1>", `name="before"`)
	const allowed = "/confirm?do=dropall&to=right.two+Contoso/General&reason=allowed"
	asked := s.page(allowed)
	s.wants(asked, fmt.Sprintf("<h1>Give %d messages to right.two Contoso/General whose reason holds “allowed” up?</h1>", pageRows-1))
	time.Sleep(2 * time.Millisecond) // the store keeps milliseconds
	s.say("late", "a word")
	s.refuse("not allowed")
	form := url.Values{}
	for _, m := range formField.FindAllStringSubmatch(asked, -1) {
		form.Set(m[1], m[2])
	}
	done := s.ask(ask{method: http.MethodPost, path: "/act", form: form})
	s.wants(s.page("/"+done.Header().Get("Location")), fmt.Sprintf("%d messages are given up.", pageRows-1), "not allowed")
	s.wants(s.press("/confirm?do=retryall&to=&reason=too"), "3 messages are sent again.")
	s.wants(s.press("/confirm?do=retryall&to=right.two+Contoso/General&reason="), "1 message is sent again.", "Nothing is in quarantine.")

	for path, want := range map[string]string{"/confirm?do=retryall&to=&reason=": "Choose a conversation", "/confirm?do=dropall&to=elsewhere&reason=": "Nothing in quarantine is like that.",
		"/confirm?do=dropall&to=&reason=x&before=yesterday": "is not a time"} {
		if w := s.ask(ask{path: path}); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	who := "dashboard on this machine"
	if diff := cmp.Diff([]store.Audited{
		{Who: who, Act: "retry", About: "messages to right.two Contoso/General", Result: "1 message is sent again."},
		{Who: who, Act: "retry", About: "messages whose reason holds “too”", Result: "3 messages are sent again."},
		{Who: who, Act: "drop", About: "messages to right.two Contoso/General whose reason holds “allowed”", Result: fmt.Sprintf("%d messages are given up.", pageRows-1)},
	}, s.kept()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}
