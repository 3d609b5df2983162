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
	"strings"
	"time"
)

// The routes, as Fault.Route and Request.Route name them.
const (
	routeApps       = "GET /v1/apps"
	routeApp        = "GET /v1/apps/{app}"
	routeMachines   = "GET /v1/apps/{app}/machines"
	routeCreate     = "POST /v1/apps/{app}/machines"
	routeMachine    = "GET /v1/apps/{app}/machines/{id}"
	routeLease      = "GET /v1/apps/{app}/machines/{id}/lease"
	routeIPs        = "GET /v1/apps/{app}/ip_assignments"
	routeVolumes    = "GET /v1/apps/{app}/volumes"
	routeRegions    = "GET /v1/platform/regions"
	routePlacements = "POST /v1/platform/placements"
	routeGraphQL    = "POST /graphql"
)

// A Request is a request that the server got.
type Request struct {
	// Route is the pattern that it matched; "" when none did.
	Route, Method, Path, Query string
	Header                     http.Header
	Body                       []byte
	// Status is that of the answer; 0 when there was none.
	Status int
}

// Requests returns what the server got so far, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for route, handle := range map[string]func(http.ResponseWriter, *http.Request){
		routeApps: s.listApps, routeApp: s.getApp, routeMachines: s.listMachines, routeCreate: s.createMachine,
		routeMachine: s.getMachine, routeLease: s.getLease, routeIPs: s.listIPs, routeVolumes: s.listVolumes,
		routeRegions: s.listRegions, routePlacements: s.getPlacements, routeGraphQL: s.graphQL,
	} {
		mux.HandleFunc(route, handle)
	}
	return mux
}

// An answer is a response that is not sent yet.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		return // the client went away
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, route := s.mux.Handler(r)
	number := s.record(r, route, body)
	if !wait(r.Context(), s.config.Delay) {
		return
	}
	fault := s.fault(route)
	if fault != nil && fault.Kind == WrongRegion {
		r = r.WithContext(context.WithValue(r.Context(), landIn{}, fault.Region))
	}
	a := &answer{status: http.StatusOK, header: http.Header{}}
	a.header.Set("fly-request-id", fmt.Sprintf("01KAFLYSIM%016d-ams", number))
	// A read can always be answered: it has no effect that the fault could
	// keep away.
	if reads := r.Method == http.MethodGet || route == routeGraphQL || route == routePlacements; fault == nil || fault.Done || reads || fault.Kind == WrongRegion {
		s.serve(a, r, route)
	}
	if fault != nil && !fault.spoil(a, w, r) {
		return
	}
	s.mu.Lock()
	s.requests[number].Status = a.status
	s.mu.Unlock()
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

func (s *Server) record(r *http.Request, route string, body []byte) (number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		Route: route, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body,
	})
	return len(s.requests) - 1
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
func (s *Server) serve(a *answer, r *http.Request, route string) {
	if !s.authorized(r.Header.Get("Authorization"), route) {
		writeError(a, http.StatusUnauthorized, errorText(http.StatusUnauthorized))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if delay, ok := s.allow(route, identifier(r.URL.Path)); !ok {
		if s.config.RetryAfter {
			a.header.Set("Retry-After", strconv.Itoa(int((delay+time.Second-1)/time.Second)))
		}
		writeError(a, http.StatusTooManyRequests, errorText(http.StatusTooManyRequests))
		return
	}
	s.mux.ServeHTTP(a, r)
}

// identifier returns what a rate limit counts by: the Machine's ID, else the
// app's name.
func identifier(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 5 && parts[3] == "machines":
		return parts[4]
	case len(parts) >= 3 && parts[1] == "apps":
		return parts[2]
	default:
		return ""
	}
}

// authorized tells whether a request's Authorization is good. Macaroons want
// the scheme FlyV1; the Machines API takes them as Bearer too. Other tokens
// want Bearer.
func (s *Server) authorized(header, route string) bool {
	scheme, token, _ := strings.Cut(header, " ")
	if token == "" || strings.Contains(token, " ") {
		return false
	}
	macaroon := slices.ContainsFunc(strings.Split(token, ","), isMacaroon)
	switch scheme {
	case "FlyV1":
		if !macaroon {
			return false
		}
	case "Bearer":
		if macaroon && route == routeGraphQL {
			return false
		}
	default:
		return false
	}
	return s.config.Token == "" || slices.Equal(tokenParts(s.config.Token), tokenParts(header))
}

func isMacaroon(token string) bool {
	return strings.HasPrefix(token, "fm2_") || strings.HasPrefix(token, "fm1r_") || strings.HasPrefix(token, "fm1a_")
}

// tokenParts returns the comma-separated parts of a token without its scheme,
// in order.
func tokenParts(token string) []string {
	if scheme, rest, ok := strings.Cut(token, " "); ok && (scheme == "FlyV1" || scheme == "Bearer") {
		token = rest
	}
	parts := strings.Split(token, ",")
	slices.Sort(parts)
	return parts
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
