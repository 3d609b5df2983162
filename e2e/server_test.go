//go:build e2e

package e2e

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A call is one request as a server of the test saw it.
type call struct {
	at           time.Time
	method, path string
	scheme       string // of the Authorization header, without the token
	status       int
}

// A watched is an HTTP server of the test that writes down every call.
type watched struct {
	url  string
	base http.Handler
	// judge tells what is wrong with a request and its answer; nil: nothing ever is.
	judge func(r *http.Request, body []byte, answer *httptest.ResponseRecorder) error

	mu     sync.Mutex
	calls  []call
	faults []error
}

// watch serves h on loopback until the test ends. It fails the test for every
// call that judge finds something wrong with.
func watch(t *testing.T, h http.Handler, judge func(*http.Request, []byte, *httptest.ResponseRecorder) error) *watched {
	t.Helper()
	w := &watched{base: h, judge: judge}
	server := httptest.NewServer(w)
	w.url = server.URL
	t.Cleanup(func() {
		server.Close()
		for _, fault := range w.faults {
			t.Error(fault)
		}
	})
	return w
}

func (w *watched) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	w.base.ServeHTTP(answer, r)

	scheme, _, _ := bytes.Cut([]byte(r.Header.Get("Authorization")), []byte(" "))
	w.mu.Lock()
	w.calls = append(w.calls, call{at, r.Method, r.URL.Path, string(scheme), answer.Code})
	if w.judge != nil {
		if err := w.judge(r, body, answer); err != nil {
			w.faults = append(w.faults, err)
		}
	}
	w.mu.Unlock()

	maps.Copy(out.Header(), answer.Header())
	out.WriteHeader(answer.Code)
	_, _ = out.Write(answer.Body.Bytes())
}

// seen returns the calls so far, oldest first.
func (w *watched) seen() []call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]call(nil), w.calls...)
}
