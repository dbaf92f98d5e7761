package web

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadySaysWhatDoesNotWork(t *testing.T) {
	for want, ready := range map[string]bool{"200 {\"status\":\"ready\",\"reasons\":[\"a\"]}\n": true, "503 {\"status\":\"not ready\",\"reasons\":[\"a\"]}\n": false} {
		address, stop := serve(t, Site{Ready: func(context.Context) (bool, any) { return ready, []string{"a"} }})
		if got := fetch(t, "http://"+address+"/readyz"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	address, stop := serve(t, Site{})
	if got := fetch(t, "http://"+address+"/readyz"); got != "404 404 page not found\n" {
		t.Errorf("without it: %q", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestReadyIsFoundOutOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := &readiness{ask: func(context.Context) (bool, any) { asked++; return asked > 1, asked }}
		type said struct {
			ready   bool
			reasons any
		}
		var got []said
		for range 4 {
			ready, reasons := r.now(t.Context())
			got = append(got, said{ready, reasons})
			time.Sleep(400 * time.Millisecond)
		}
		want := []said{{false, 1}, {false, 1}, {false, 1}, {true, 2}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(said{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
