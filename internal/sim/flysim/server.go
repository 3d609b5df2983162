package flysim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A Request is a request that the server got.
type Request struct {
	// Number counts all requests from 1.
	Number int
	// At is when it came, by the clock.
	At time.Time
	// Route is the pattern that it matched; "" when none did.
	Route, Method, Path, Query string
	Header                     http.Header
	Body                       []byte
	// Status is that of the answer; 0 when there was none.
	Status int
}

// Requests returns what the server got so far, in order of arrival. Those that
// CutAt refuses are not among them.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// An answer is a response that is not sent yet.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
	waiter *waiter // the rest comes when it is answered; nil = it is all here
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.clock.work(1)
	defer s.clock.work(-1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		return // the client went away
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, route := s.mux.Handler(r)
	number, cut := s.record(r, route, body)
	if cut == cutBefore {
		s.hangUp()
	}
	if number == 0 || cut == cutBefore {
		reset(w)
		return
	}
	if !wait(r.Context(), s.config.Delay) {
		return
	}
	fault := s.fault(route, number)
	if fault != nil && fault.twists() {
		r = r.WithContext(context.WithValue(r.Context(), twist{}, *fault))
	}
	a := &answer{status: http.StatusOK, header: http.Header{}}
	a.header.Set("fly-request-id", fmt.Sprintf("01KAFLYSIM%016d-ams", number-1))
	// A read can always be answered: it has no effect that the fault could
	// keep away.
	if reads := r.Method == http.MethodGet || route == routeGraphQL || route == routePlacements; fault == nil || fault.Done || reads || fault.twists() {
		s.serve(a, r, route, number)
	}
	s.clock.catchUp() // what takes no time happens now
	if cut == cutAfter {
		s.hangUp()
	}
	if a.waiter != nil {
		s.block(a.waiter, r, fault != nil && !fault.twists())
	}
	if s.Cut() {
		reset(w)
		return
	}
	if fault != nil && !s.spoil(fault, a, w, r) {
		return
	}
	s.mu.Lock()
	s.requests[number-1].Status = a.status
	s.mu.Unlock()
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// record notes a request and returns its number, when what is to come before
// it has happened; 0 when the client is cut off.
func (s *Server) record(r *http.Request, route string, body []byte) (number int, cut cut) {
	defer s.lock()()
	if s.down {
		return 0, uncut
	}
	number = len(s.requests) + 1
	s.requests = append(s.requests, Request{
		Number: number, At: s.clock.Now(),
		Route: route, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body,
	})
	hooks := s.hooks[number]
	delete(s.hooks, number)
	if s.cutAt == number {
		cut = s.cutHow
	}
	if len(hooks) > 0 {
		s.mu.Unlock()
		for _, hook := range hooks {
			hook(s)
		}
		s.mu.Lock()
	}
	return number, cut
}

func wait(ctx context.Context, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// serve gives the right answer.
func (s *Server) serve(a *answer, r *http.Request, route string, number int) {
	if !s.authorized(r.Header.Get("Authorization"), route) {
		writeError(a, http.StatusUnauthorized, errorText(http.StatusUnauthorized))
		return
	}
	defer s.lock()()
	if delay, ok := s.allow(route, identifier(r.URL.Path)); !ok {
		if s.config.RetryAfter {
			a.header.Set("Retry-After", strconv.Itoa(int((delay+time.Second-1)/time.Second)))
		}
		writeError(a, http.StatusTooManyRequests, errorText(http.StatusTooManyRequests))
		return
	}
	s.handling = number
	s.mux.ServeHTTP(a, r)
	s.handling = 0
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(value) // into an answer's buffer, which cannot fail
}

func writeError(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": text})
}

// writeStatusError answers with an error that has a status code of the API's
// own.
func writeStatusError(w http.ResponseWriter, status int, text, code string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": text, "status": code})
}
