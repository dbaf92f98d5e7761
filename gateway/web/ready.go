package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// readyFor is how long an answer of /readyz holds, so that whoever asks in a loop costs no more than one who does not.
const readyFor = time.Second

// readiness answers /readyz.
type readiness struct {
	ask     func(context.Context) (bool, any)
	mutex   sync.Mutex
	ready   bool
	reasons any
	at      time.Time
}

// now gives an answer that is not older than readyFor.
func (r *readiness) now(ctx context.Context) (ready bool, reasons any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.at.IsZero() || time.Since(r.at) >= readyFor {
		r.ready, r.reasons = r.ask(context.WithoutCancel(ctx)) // the answer is for others, too
		r.at = time.Now()
	}
	return r.ready, r.reasons
}

func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ready, reasons := r.now(req.Context())
	said := struct {
		Status  string `json:"status"`
		Reasons any    `json:"reasons"`
	}{"ready", reasons}
	code := http.StatusOK
	if !ready {
		said.Status, code = "not ready", http.StatusServiceUnavailable
	}
	body, err := json.Marshal(said)
	if err != nil { // a mistake of ours, which the guard logs
		panic("telling whether Causeway is ready: " + err.Error())
	}
	answer(w, code, append(body, '\n'))
}
