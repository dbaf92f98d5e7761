package web

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAProofIsOfTheNonceThatWasAsked(t *testing.T) {
	address, stop := serve(t, Site{PublicURL: "https://example.com/causeway", Prove: func(nonce string) string { return "proof-of-" + nonce }})
	got := map[string]string{}
	want := map[string]string{
		"/hooks/causeway/0123456789abcdef":          "200 {\"causeway\":\"proof-of-0123456789abcdef\"}\n",
		"/causeway/hooks/causeway/0123456789abcdef": "200 {\"causeway\":\"proof-of-0123456789abcdef\"}\n",
		"/hooks/causeway/short":                     "404 404 page not found\n",
		"/hooks/causeway/0123456789ABCDEF":          "404 404 page not found\n",
		"/hooks/causeway/0123456789abcdef/x":        "404 404 page not found\n",
		"/hooks/causeway/":                          "404 404 page not found\n",
	}
	for path := range want {
		got[path] = fetch(t, "http://"+address+path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestWhereNothingIsTakenYetServicesShallSendAgain(t *testing.T) {
	address, stop := serve(t, Site{Prove: func(string) string { return "p" }, Waiting: true})
	for path, want := range map[string]string{
		"/hooks/causeway/0123456789abcdef": "200 {\"causeway\":\"p\"}\n",
		"/hooks/msteams.contoso/notify":    "503 {\"error\":\"Causeway is not running\"}\n",
		"/healthz":                         "503 {\"error\":\"Causeway is not running\"}\n",
	} {
		if got := fetch(t, "http://"+address+path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// fetch gives the code and the body of an answer.
func fetch(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status[:3] + " " + string(body)
}
