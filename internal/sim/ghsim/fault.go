package ghsim

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// FaultKind is a way in which GitHub, or what lies before it, can fail.
type FaultKind string

// The faults. Those without a word on it answer instead of doing what was asked,
// unless [Fault.Done] is set.
const (
	Secondary403 FaultKind = "secondary-403" // secondary rate limit, status 403
	Secondary429 FaultKind = "secondary-429" // secondary rate limit, status 429
	Primary      FaultKind = "primary"       // hourly rate limit used up (Fault.Status, 0: 403); reset after Fault.After seconds of Config.Now
	Status       FaultKind = "status"        // Fault.Status with GitHub's JSON
	Reset        FaultKind = "reset"         // the connection is cut before the answer
	Truncated    FaultKind = "truncated"     // the connection is cut in the middle of the answer
	HTML         FaultKind = "html"          // a page of a proxy, with Fault.Status (0: 200)
	Echo         FaultKind = "echo"          // an error (Fault.Status, 0: 422) that repeats the request's own token
	Slow         FaultKind = "slow"          // no answer until the client goes away, or for 5 seconds
	Redirect     FaultKind = "redirect"      // Fault.Status (0: 301) to Fault.Location
	Race         FaultKind = "race"          // does as asked, but a parallel run did the same just before
	Meanwhile    FaultKind = "meanwhile"     // does as asked, but after Fault.Do: somebody else was quicker
	GraphError   FaultKind = "graphql-error" // status 200 with Fault.Message as GraphQL's error, and no data
)

// Fault makes some requests fail.
type Fault struct {
	Kind   FaultKind
	Method string // empty: any
	Path   string // part of the path, without /api/v3, or with a "$" at its end the end of it; empty: any
	// From and To bound the matching requests that fail, counted from 1.
	// From 0 is 1; To 0 is From (one request); To < 0 is for ever.
	From, To int
	Done     bool   // what was asked is done before the failure
	Status   int    // see the kinds
	Message  string // of Status; empty: a plain one
	After    int    // seconds: Retry-After, where > 0; until the reset, for Primary
	Location string // for Redirect
	Do       func() `json:"-"` // for Meanwhile
}

type faultState struct {
	Fault
	seen int
}

// faultLocked counts the request for every fault and returns the first that
// wants it. It needs s.mu.
func (s *Server) faultLocked(r *http.Request) *Fault {
	var hit *Fault
	for _, f := range s.faults {
		if (f.Method != "" && f.Method != r.Method) || !strings.Contains(r.URL.Path+"$", f.Path) {
			continue
		}
		f.seen++
		from, to := max(f.From, 1), f.To
		if to == 0 {
			to = from
		}
		if hit == nil && f.seen >= from && (to < 0 || f.seen <= to) {
			hit = &f.Fault
		}
	}
	return hit
}

func (s *Server) misbehave(rec *recorder, r *http.Request, f Fault) {
	if f.Kind == Race {
		s.handle(&recorder{header: http.Header{}}, cloneWithBody(r))
		s.handle(rec, r)
		rec.flush()
		return
	}
	if f.Kind == Meanwhile {
		f.Do()
		s.handle(rec, r)
		rec.flush()
		return
	}
	if f.Done || f.Kind == Truncated {
		done := &recorder{header: http.Header{}}
		s.handle(done, r)
		if f.Kind == Truncated {
			s.truncate(rec, done)
			return
		}
	}
	s.fail(rec, r, f)
}

func (s *Server) fail(rec *recorder, r *http.Request, f Fault) {
	if f.After > 0 && f.Kind != Primary {
		rec.Header().Set("Retry-After", fmt.Sprint(f.After))
	}
	const limits = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"
	secondary := errorBody{Message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", DocsURL: limits}
	if f.Kind != HTML {
		rateLimit(rec.Header(), 999, farAway)
	}
	switch f.Kind {
	case Secondary403:
		secondary.Status = "403"
		answer(rec, http.StatusForbidden, secondary)
	case Secondary429:
		secondary.Status = "429"
		answer(rec, http.StatusTooManyRequests, secondary)
	case Primary:
		s.mu.Lock()
		reset := s.now().Add(time.Duration(f.After) * time.Second)
		s.mu.Unlock()
		rateLimit(rec.Header(), 0, reset.Unix())
		answerError(rec, or(f.Status, http.StatusForbidden), "API rate limit exceeded for installation.")
	case Status:
		message := f.Message
		if message == "" {
			message = http.StatusText(f.Status)
		}
		answerError(rec, f.Status, message)
	case GraphError:
		answer(rec, http.StatusOK, map[string]any{"data": nil, "errors": []graphError{{Message: f.Message}}})
	case HTML:
		rec.Header().Set("Content-Type", "text/html; charset=utf-8")
		rec.WriteHeader(or(f.Status, http.StatusOK))
		_, _ = rec.Write([]byte("<!DOCTYPE html><title>Unicorn!</title><p>Sign in to the network"))
	case Echo:
		answerError(rec, or(f.Status, http.StatusUnprocessableEntity), "cannot handle Authorization: "+r.Header.Get("Authorization"))
	case Redirect:
		rec.Header().Set("Location", f.Location)
		answerError(rec, or(f.Status, http.StatusMovedPermanently), "Moved Permanently")
	case Slow:
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second): //nolint:forbidigo // a client that waits does so by the real clock
		}
		cut(rec)
		return
	default: // Reset, and whatever is no kind
		cut(rec)
		return
	}
	rec.flush()
}

// farAway is when a rate limit is reset that nobody will use up.
const farAway = 4102444800

// rateLimit writes what GitHub says of the hourly rate limit in every answer.
func rateLimit(h http.Header, remaining int, reset int64) {
	const limit = 1000
	h.Set("X-Ratelimit-Limit", fmt.Sprint(limit))
	h.Set("X-Ratelimit-Remaining", fmt.Sprint(remaining))
	h.Set("X-Ratelimit-Used", fmt.Sprint(limit-remaining))
	h.Set("X-Ratelimit-Resource", "core")
	h.Set("X-Ratelimit-Reset", fmt.Sprint(reset))
}

// truncate sends the head of an answer with its full length and half of the body.
func (s *Server) truncate(rec, done *recorder) {
	rec.status = done.status
	h := rec.ResponseWriter.Header()
	h.Set("Content-Type", done.header.Get("Content-Type"))
	h.Set("Content-Length", fmt.Sprint(done.body.Len()))
	rec.ResponseWriter.WriteHeader(done.status)
	_, _ = rec.ResponseWriter.Write(done.body.Bytes()[:done.body.Len()/2]) // it is cut on purpose
	panic(http.ErrAbortHandler)
}

// cut closes the connection: net/http takes this panic for "no answer".
func cut(rec *recorder) {
	rec.status = 0
	panic(http.ErrAbortHandler)
}

func or(status, otherwise int) int {
	if status == 0 {
		return otherwise
	}
	return status
}
