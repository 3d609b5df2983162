package flysim

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"time"
)

// A Kind is a way to fail.
type Kind int

// The ways to fail.
const (
	Answer      Kind = iota // with Status and Body instead of the right answer
	Reset                   // the connection is reset before an answer
	Cut                     // the connection breaks in the middle of the right answer
	Hang                    // no answer, until the client gives up
	Truncated               // the right answer's JSON ends early, with a matching Content-Length
	HTML                    // a web page with Status, or 200
	Redirect                // to Location, with Status, or 307
	WrongRegion             // a created Machine lands in Region; placements speak of it instead
	Fated                   // the right answer, but the Machine that is created, started or updated has Fate; a create answers with Status, or 200
)

// A Fault is a failure that the server shows on request.
type Fault struct {
	// Route is the pattern of the requests that fail: "GET /v1/apps/{app}",
	// "POST /graphql"; "" = all.
	Route string
	// Request is the number of the only request that fails, as Requests counts;
	// 0 = any.
	Request int
	// From is the first of those requests to fail, counted from 1 when the
	// fault is injected; 0 = 1. Times is how many fail from there on; 0 = all.
	From, Times int

	Kind   Kind
	Status int
	// Body is the answer's body; "" = the API's error object for the status.
	Body string
	// RetryAfter is the answer's Retry-After.
	RetryAfter string
	// Location is where a Redirect leads.
	Location string
	// Region is where a Machine lands, or would, with WrongRegion.
	Region string
	// Fate is what becomes of a Machine with Fated.
	Fate Fate
	// Hold is how long a Hang lasts by Config.Clock, before the connection is
	// reset. With 0, or without such a clock, it lasts until the client gives
	// up in real time, and an automatic clock does not jump meanwhile.
	Hold time.Duration
	// Done lets the request have its effect before it fails.
	Done bool
	// Name tells a failure of Failures from the others.
	Name string

	seen int
}

// Inject makes the server fail as faults say. Of several that fit a request
// the first injected one counts.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &f)
	}
}

// twist is the context's key for a Fault that changes what a request does.
type twist struct{}

// twists tells whether f changes what a request does, and not its answer.
func (f *Fault) twists() bool { return f.Kind == WrongRegion || f.Kind == Fated }

// twistOf returns the fault that changes what a request does; the zero Fault
// changes nothing.
func twistOf(r *http.Request) Fault {
	f, _ := r.Context().Value(twist{}).(Fault)
	return f
}

// doom gives m the fate that a fault has for it.
func doom(m *Machine, r *http.Request) {
	if f := twistOf(r); f.Kind == Fated {
		m.Fate = f.Fate
	}
}

// fault returns the fault that a request meets.
func (s *Server) fault(route string, number int) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hit *Fault
	for _, f := range s.faults {
		if f.Route != "" && f.Route != route || f.Request != 0 && f.Request != number {
			continue
		}
		f.seen++
		from := max(f.From, 1)
		if f.seen >= from && (f.Times == 0 || f.seen < from+f.Times) && hit == nil {
			hit = f
		}
	}
	return hit
}

// spoil turns the right answer into the one that f wants. It reports false
// when there is to be no complete answer; what happened to the connection is
// then done.
func (s *Server) spoil(f *Fault, a *answer, w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case Answer:
		id := a.header.Get("fly-request-id")
		body := f.Body
		if body == "" {
			body = `{"error":` + strconv.Quote(errorText(f.Status)) + `}`
		}
		*a = answer{status: f.Status, header: http.Header{"Content-Type": {"application/json"}, "Fly-Request-Id": {id}}}
		a.body.WriteString(body)
		if f.RetryAfter != "" {
			a.header.Set("Retry-After", f.RetryAfter)
		}
	case HTML:
		id := a.header.Get("fly-request-id")
		*a = answer{status: max(f.Status, http.StatusOK), header: http.Header{"Content-Type": {"text/html"}, "Fly-Request-Id": {id}}}
		a.body.WriteString("<!DOCTYPE html><html><head><title>Proxy sign-in</title></head><body>Please sign in.</body></html>")
	case Redirect:
		a.status = f.Status
		if a.status == 0 {
			a.status = http.StatusTemporaryRedirect
		}
		a.header.Set("Location", f.Location)
	case Truncated:
		half := bytes.Clone(a.body.Bytes()[:a.body.Len()/2])
		a.body.Reset()
		a.body.Write(half)
	case Cut:
		w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body.Bytes()[:a.body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		reset(w)
		return false
	case Reset:
		reset(w)
		return false
	case Hang:
		s.hang(r, f.Hold)
		if r.Context().Err() == nil {
			reset(w)
		}
		return false
	case WrongRegion, Fated: // what the request did
	}
	return true
}

// hang waits for a time by the clock, or for the client to give up or to be
// cut off.
func (s *Server) hang(r *http.Request, hold time.Duration) {
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	var over chan struct{}
	if hold > 0 && s.clock.follow == nil {
		p := s.clock.park(1)
		t := s.clock.at(s.clock.Now().Add(hold), func(time.Time) { s.clock.wake(p) })
		defer s.clock.wake(p)
		defer s.clock.cancel(t)
		over = p.done
	}
	select {
	case <-over:
	case <-gone:
	case <-r.Context().Done():
	}
}

// reset breaks the connection so that the client sees "connection reset".
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's way to break a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// errorText returns what the API says with a status.
func errorText(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Authenticate: token validation error"
	case http.StatusForbidden:
		return "unauthorized"
	case http.StatusNotFound:
		return "app not found"
	case http.StatusRequestTimeout:
		return "deadline_exceeded: context deadline exceeded"
	case http.StatusConflict:
		return "aborted: machine update failed due to concurrent update"
	case http.StatusUnprocessableEntity:
		return "invalid argument"
	case http.StatusTooManyRequests:
		return "rate limit exceeded"
	default:
		return http.StatusText(status)
	}
}
