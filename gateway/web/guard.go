package web

import (
	"log"
	"net/http"
	"strings"

	"github.com/sirupsen/logrus"
)

// recovering answers 500 where a handler panics, and logs one line instead of net/http's stack trace.
func recovering(next http.Handler, log *logrus.Entry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { // the one panic that is meant
				panic(p)
			}
			log.WithField("path", r.URL.Path).Errorf("answering an HTTP request: internal error: %v", p)
			w.WriteHeader(http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// clientLog takes what net/http has to say about clients that misbehave, which is no concern of the operator's.
type clientLog struct{ log *logrus.Entry }

func newErrorLog(to *logrus.Entry) *log.Logger { return log.New(clientLog{to}, "", 0) }

func (c clientLog) Write(line []byte) (int, error) {
	c.log.Debug("HTTP: " + strings.TrimSpace(string(line)))
	return len(line), nil
}
