package msteams

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestARedirectDoesNotTellASecretAddress to the host that it leads to: whoever knows such an address has access.
func TestARedirectDoesNotTellASecretAddress(t *testing.T) {
	told := make(chan string, 1)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.Referer() }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL+"/file?tempauth=secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{CheckRedirect: silently}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := <-told; got != "" {
		t.Errorf("the other host is told %q", got)
	}
}
