package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// Order does what a body says, and gives what is answered as JSON; an error says why the order makes no sense.
type Order func(ctx context.Context, order []byte) (any, error)

const (
	// PeoplePath, ReloadPath and LinkPath take what the operator wants done, by POST.
	PeoplePath = "/people"
	ReloadPath = "/reload"
	LinkPath   = "/link"
	// maxOrder is how long an order may be, in bytes.
	maxOrder = 64 << 10
	// OrderTime is how long an order may take: one may have to read a directory.
	OrderTime = 10 * time.Minute
)

// order has something done for whoever brings the right token, which covers the order itself.
func (s Site) order(w http.ResponseWriter, r *http.Request, carryOut Order) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrder))
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if err != nil || !strings.EqualFold(scheme, "Bearer") || !s.MayOrder(token, body) {
		w.Header().Set("WWW-Authenticate", Realm)
		answer(w, http.StatusUnauthorized, []byte(`{"error":"causeway does this"}`+"\n"))
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(OrderTime + requestTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), OrderTime)
	defer cancel()
	done, err := carryOut(ctx, body)
	code := http.StatusOK
	if err != nil {
		code, done = http.StatusBadRequest, map[string]string{"error": err.Error()}
	}
	text, err := json.Marshal(done)
	if err != nil { // a mistake of ours, which the guard logs
		panic("answering an order: " + err.Error())
	}
	answer(w, code, append(text, '\n'))
}
